"""Signing in, up and out, and one's own password."""

from __future__ import annotations

import asyncio
import math
import re

from aiohttp import web

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.users import NotApproved, WrongPassword
from gateway.errors import GatepostError
from gateway.portal.csrf import from_elsewhere
from gateway.portal.form_rules import password_problem, user_name_problem
from gateway.portal.page_request import HOME, FormRefused, PageNotFound, PageRequest, redirect_to
from gateway.translation.text import gettext, gettext_noop, ngettext

NOT_APPROVED = gettext_noop("Your account waits for the approval of an administrator.")
HOUR = 3600
_INSIDE = re.compile(r"/portal(/[A-Za-z0-9_:-]+)+(\?[A-Za-z0-9_.~%+=&-]*)?")


async def sign_in_form(page_request: PageRequest) -> web.StreamResponse:
    """The form to sign in."""
    wanted = safe_next(page_request.query("next"))
    if page_request.person is not None:
        return redirect_to(wanted or HOME)
    return sign_in_page(page_request, "", wanted)


def sign_in_page(
    page_request: PageRequest,
    name: str,
    wanted: str,
    problem: str = "",
    status: int = 200,
    provider_problem: str = "",
    passkey_problem: str = "",
) -> web.Response:
    """The form to sign in, with what was wrong with the password, at the provider, or with the passkey."""
    services = page_request.services
    ways = services.users.any_in_file or services.facts.sign_up or services.facts.providers
    left = page_request.query("at")
    return page_request.page(
        "sign_in.html",
        status,
        name=name,
        next=wanted,
        problem=problem,
        provider_problem=provider_problem,
        passkey_problem=passkey_problem,
        left=next((one for one in services.facts.providers if one.id == left), None),
        nobody=not ways,
    )


async def sign_in(page_request: PageRequest) -> web.StreamResponse:
    """Begins a session, under a new id."""
    fields = await page_request.fields(in_any_session=True)
    name, wanted = fields.text("name"), safe_next(fields.raw("next"))
    try:
        user = await page_request.services.authentication.authenticate(
            name, fields.raw("password"), page_request.address
        )
    except NotApproved:
        return sign_in_page(page_request, name, wanted, gettext(NOT_APPROVED), 403)
    except WrongPassword as error:
        await asyncio.sleep(error.delay)
        return sign_in_page(page_request, name, wanted, gettext("The name or the password is wrong."), 401)
    except TooManyAttempts as error:
        await asyncio.sleep(error.delay)
        response = sign_in_page(page_request, name, wanted, try_again(error), 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    await page_request.begin_session(user)
    return redirect_to(wanted or HOME)


async def sign_out(page_request: PageRequest) -> web.StreamResponse:
    """Ends the session, here and in the store. The one at a provider goes on unless the person ends it."""
    person, services = page_request.person, page_request.services
    if person is None:
        # Browsers send no cookie with another site's form, so who seems to be out may be in: no cookie is
        # taken away.
        if from_elsewhere(page_request.request):
            raise FormRefused
        return redirect_to("/portal/sign-in", "signed-out")
    await page_request.fields(in_any_session=True)
    page_request.session.invalidate()
    at = services.facts.provider_of(person.provider)
    sign_in = None if at is None or services.providers is None else services.providers.sign_ins[at.id]
    if at is not None and sign_in is not None and await sign_in.logout(""):
        return redirect_to(f"/portal/sign-in?at={at.id}&done=signed-out-here")
    return redirect_to("/portal/sign-in", "signed-out")


async def sign_up_form(page_request: PageRequest) -> web.StreamResponse:
    """The form for an account of one's own."""
    if not page_request.services.facts.sign_up:
        raise PageNotFound
    code = page_request.query("invitation")
    return await _uninvited(page_request, code) or _sign_up_page(page_request, "", code)


def _sign_up_page(
    page_request: PageRequest, name: str, code: str, problems: dict[str, str] | None = None
) -> web.Response:
    status = 422 if problems else 200
    return page_request.page("sign_up.html", status, name=name, invitation=code, problems=problems or {})


async def _uninvited(page_request: PageRequest, code: str) -> web.Response | None:
    """What somebody without an open invitation gets where one is needed; None: it is not, or is there."""
    services = page_request.services
    if services.facts.sign_up != "invitation" or await services.invitations.is_open(code):
        return None
    return page_request.page("by_invitation.html", 403, given=code != "")


async def sign_up(page_request: PageRequest) -> web.StreamResponse:
    """Makes an account and signs its owner in."""
    if not page_request.services.facts.sign_up:
        raise PageNotFound
    fields = await page_request.fields(in_any_session=True)
    name, password, code = fields.text("name"), fields.raw("password"), fields.raw("invitation")
    if (uninvited := await _uninvited(page_request, code)) is not None:
        return uninvited
    problems = {
        "name": user_name_problem(name),
        "password": password_problem(password, name),
        "again": "" if fields.raw("again") == password else gettext("The two passwords differ."),
    }
    if not any(problems.values()):
        problems["name"] = await _created(page_request, name, password, code)
    if any(problems.values()):
        return _sign_up_page(page_request, name, code, problems)
    if page_request.person is None:
        return redirect_to("/portal/sign-in", "pending")
    return redirect_to(HOME, "welcome")


async def _created(page_request: PageRequest, name: str, password: str, code: str) -> str:
    """Makes the account; why not, else."""
    services, address = page_request.services, page_request.address
    invited = services.facts.sign_up == "invitation"
    left = await services.invitations.take(code) if invited else 0
    if invited and not left:
        return gettext("The invitation has just been used.")
    problem = "not made"
    try:
        problem = await _account(page_request, name, password, address)
    finally:
        if problem and left:
            await services.invitations.give_back(code, left)
    return problem


async def _account(page_request: PageRequest, name: str, password: str, address: str) -> str:
    """Makes the account, and signs its owner in unless it must be approved first; why not, else."""
    services = page_request.services
    pending = services.facts.sign_up == "approval"
    try:
        await services.sign_ups.count(address)
        user = await services.users.create(name, password, address, pending=pending)
    except TooManyAttempts as error:
        await asyncio.sleep(error.delay)
        return try_again(error)
    except GatepostError as error:
        if hasattr(error, "retry_after"):
            raise
        return gettext("This name is taken.")
    if not pending:
        await page_request.begin_session(user)
    return ""


async def show(page_request: PageRequest) -> web.StreamResponse:
    """One's account."""
    return page_request.page("account.html", person=page_request.user, problems={})


async def change_password(page_request: PageRequest) -> web.StreamResponse:
    """Changes one's password, which ends all one's sessions but a new one here."""
    user, fields = page_request.user, await page_request.fields()
    if user.source == "file" or user.provider:
        raise PageNotFound
    new = fields.raw("new")
    problems = {
        "current": await wrong_current(page_request, fields.raw("current")),
        "new": password_problem(new, user.name),
        "again": "" if fields.raw("again") == new else gettext("The two passwords differ."),
    }
    if any(problems.values()):
        return page_request.page("account.html", 422, person=user, problems=problems)
    try:
        changed = await page_request.services.users.change_password(user, new, page_request.address)
    except TooManyAttempts as error:
        problems["new"] = try_again(error)
        return page_request.page("account.html", 429, person=user, problems=problems)
    await page_request.begin_session(changed)
    return redirect_to("/portal/account", "password")


async def wrong_current(page_request: PageRequest, password: str) -> str:
    """Why a password is not the one of who is signed in; empty: it is."""
    user = page_request.user
    try:
        proven = await page_request.services.authentication.authenticate(
            user.name, password, page_request.address
        )
        if proven.id != user.id:
            raise WrongPassword
    except WrongPassword as error:
        await asyncio.sleep(error.delay)
        return gettext("This is not your present password.")
    except TooManyAttempts as error:
        await asyncio.sleep(error.delay)
        return try_again(error)
    return ""


def try_again(error: TooManyAttempts) -> str:
    """When a person may try again."""
    if error.retry_after >= HOUR:
        when = ngettext(
            "Try again in an hour.", "Try again in %(num)s hours.", math.ceil(error.retry_after / HOUR)
        )
    else:
        when = ngettext("Try again in a second.", "Try again in %(num)s seconds.", error.retry_after)
    return f"{error} {when}"


def safe_next(path: str) -> str:
    """Where to go after signing in: a page of the portal, or nothing."""
    return path if _INSIDE.fullmatch(path) else ""
