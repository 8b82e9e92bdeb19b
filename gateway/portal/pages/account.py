"""Signing in, up and out, and one's own password."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from gateway.accounts.users import TooManyAttempts, WrongPassword
from gateway.errors import GatepostError
from gateway.portal.rules import password_problem, user_name_problem
from gateway.portal.visit import HOME, NotThere, Visit, go

SIGN_UPS = "sign-up\n"
_INSIDE = re.compile(r"/portal(/[A-Za-z0-9_-]+)+")
MOST_SIGN_UPS = 10
"""New accounts from one address in a minute."""


async def sign_in_form(visit: Visit) -> web.StreamResponse:
    """The form to sign in."""
    if visit.person is not None:
        return go(HOME)
    return _sign_in_page(visit, "", safe_next(visit.query("next")))


def _sign_in_page(visit: Visit, name: str, wanted: str, problem: str = "", status: int = 200) -> web.Response:
    nobody = not visit.desk.users.any_in_file and not visit.desk.facts.sign_up
    return visit.page("sign_in.html", status, name=name, next=wanted, problem=problem, nobody=nobody)


async def sign_in(visit: Visit) -> web.StreamResponse:
    """Begins a session, under a new id."""
    fields = await visit.fields()
    name, wanted = fields.text("name"), safe_next(fields.raw("next"))
    try:
        user = await visit.desk.authentication.authenticate(name, fields.raw("password"), visit.address)
    except WrongPassword as error:
        await asyncio.sleep(error.delay)
        return _sign_in_page(visit, name, wanted, "The name or the password is wrong.", 401)
    except TooManyAttempts as error:
        text = f"Too many attempts have failed. Try again in {error.retry_after} seconds."
        response = _sign_in_page(visit, name, wanted, text, 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    await visit.begin_session(user)
    return go(wanted or HOME)


async def sign_out(visit: Visit) -> web.StreamResponse:
    """Ends the session, here and in the store."""
    await visit.fields()
    visit.session.invalidate()
    return go("/portal/sign-in", "signed-out")


async def sign_up_form(visit: Visit) -> web.StreamResponse:
    """The form for an account of one's own."""
    if not visit.desk.facts.sign_up:
        raise NotThere
    return visit.page("sign_up.html", name="", problems={})


async def sign_up(visit: Visit) -> web.StreamResponse:
    """Makes an account and signs its owner in."""
    if not visit.desk.facts.sign_up:
        raise NotThere
    fields = await visit.fields()
    name, password = fields.text("name"), fields.raw("password")
    problems = {
        "name": user_name_problem(name),
        "password": password_problem(password, name),
        "again": "" if fields.raw("again") == password else "The two passwords differ.",
    }
    if not any(problems.values()):
        problems["name"] = await _created(visit, name, password)
    if any(problems.values()):
        return visit.page("sign_up.html", 422, name=name, problems=problems)
    return go(HOME, "welcome")


async def _created(visit: Visit, name: str, password: str) -> str:
    """Makes the account; why not, else."""
    if not await visit.desk.authentication.may_sign_up(visit.address, MOST_SIGN_UPS):
        return "Too many accounts were made from your address. Try again in a minute."
    try:
        user = await visit.desk.users.create(name, password)
    except GatepostError as error:
        if hasattr(error, "retry_after"):
            raise
        return "This name is taken."
    await visit.begin_session(user)
    return ""


async def show(visit: Visit) -> web.StreamResponse:
    """One's account."""
    return visit.page("account.html", person=visit.user, problems={})


async def change_password(visit: Visit) -> web.StreamResponse:
    """Changes one's password, which ends all one's sessions but a new one here."""
    user, fields = visit.user, await visit.fields()
    if user.source == "file":
        raise NotThere
    new = fields.raw("new")
    problems = {
        "current": await _wrong_current(visit, fields.raw("current")),
        "new": password_problem(new, user.name),
        "again": "" if fields.raw("again") == new else "The two passwords differ.",
    }
    if any(problems.values()):
        return visit.page("account.html", 422, person=user, problems=problems)
    changed = await visit.desk.users.change_password(user, new)
    await visit.begin_session(changed)
    return go("/portal/account", "password")


async def _wrong_current(visit: Visit, password: str) -> str:
    try:
        await visit.desk.authentication.authenticate(visit.user.name, password, visit.address)
    except WrongPassword as error:
        await asyncio.sleep(error.delay)
        return "This is not your present password."
    except TooManyAttempts as error:
        return f"Too many attempts have failed. Try again in {error.retry_after} seconds."
    return ""


def safe_next(path: str) -> str:
    """Where to go after signing in: a page of the portal, or nothing."""
    return path if _INSIDE.fullmatch(path) else ""
