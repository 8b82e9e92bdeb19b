"""Passkeys: one's own, and signing in with one."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.users import NotApproved
from gateway.oauth.passkey import MOST_PASSKEYS, Challenge, PasskeyRefused, TooManyPasskeys
from gateway.oauth.user import User
from gateway.portal.page_request import HOME, PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.account import NOT_APPROVED, safe_next, sign_in_page, try_again, wrong_current
from gateway.portal.services import PasskeyServices
from gateway.portal.sessions import BEGUN
from gateway.translation.text import gettext

LONGEST_NAME = 40
FRESH = 600
"""Seconds after signing in for which nobody is asked for the password again."""
_PATH = "/portal/account/passkeys"
_NEW = f"{_PATH}/new"
_SIGN_IN = "/portal/sign-in"
_KIND = "passkey"
_STRANGER = "stranger"


async def show(page_request: PageRequest) -> web.StreamResponse:
    """One's passkeys, and the form to add another."""
    return await _list_page(page_request, {})


async def begin(page_request: PageRequest) -> web.StreamResponse:
    """Sends who may add a passkey on to where the browser makes it."""
    user, own = _owner(page_request), _services(page_request).own
    fields = await page_request.fields()
    name = fields.text("name")
    problems = {"name": name_problem(name)}
    if not any(problems.values()) and not fresh(page_request):
        problems["current"] = await wrong_current(page_request, fields.raw("current"))
    if any(problems.values()):
        return await _list_page(page_request, problems, name)
    try:
        challenge = await own.begin(user)
    except TooManyPasskeys:
        return await _list_page(page_request, {"name": _too_many()}, name)
    response = redirect_to(_NEW)
    shown = {"name": name, "challenge": challenge.value, "ends": challenge.ends}
    page_request.keep(response, _KIND, _NEW, shown)
    return response


async def new_form(page_request: PageRequest) -> web.StreamResponse:
    """Where the browser makes the passkey."""
    user, own = _owner(page_request), _services(page_request).own
    kept = page_request.kept(_KIND, _NEW)
    challenge = _challenge(kept)
    if kept is None or challenge is None:
        return redirect_to(_PATH)
    options = await own.options(user, challenge)
    return page_request.page("passkey_new.html", name=kept["name"], options=options)


async def add(page_request: PageRequest) -> web.StreamResponse:
    """Adds what the browser has made."""
    user, own = _owner(page_request), _services(page_request).own
    fields = await page_request.fields()
    kept = page_request.kept(_KIND, _NEW)
    name = str(kept["name"]) if kept is not None else ""
    try:
        await own.add(user, name, fields.raw("answer"), _challenge(kept))
    except PasskeyRefused:
        return await _list_page(
            page_request, {"name": gettext("The passkey could not be added. Try again.")}, name
        )
    except TooManyPasskeys:
        return await _list_page(page_request, {"name": _too_many()}, name)
    response = redirect_to(_PATH, "passkey-added")
    page_request.forget(response, _KIND, _NEW)
    return response


async def remove(page_request: PageRequest) -> web.StreamResponse:
    """Removes one of one's passkeys."""
    user, own = _owner(page_request), _services(page_request).own
    await page_request.fields()
    removed = await own.remove(user, page_request.request.match_info["passkey"])
    return redirect_to(_PATH, "passkey-removed" if removed else "passkey-gone")


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to a form."""
    _ = page_request.user
    return redirect_to(_PATH)


async def sign_in_options(page_request: PageRequest) -> web.StreamResponse:
    """For the page's own script: what the browser is asked to sign. It is kept in this browser only."""
    passkeys = _services(page_request)
    page_request.require_proof_of_script()
    challenge, options = passkeys.sign_in.begin()
    response = web.Response(text=options, content_type="application/json")
    shown = {"challenge": challenge.value, "ends": challenge.ends}
    page_request.services.shown_once.keep(response, _KIND, _STRANGER, _SIGN_IN, shown)
    return response


async def sign_in(page_request: PageRequest) -> web.StreamResponse:
    """Begins a session for who has signed with a passkey."""
    passkeys, shown_once = _services(page_request), page_request.services.shown_once
    fields = await page_request.fields(in_any_session=True)
    wanted = safe_next(fields.raw("next"))
    kept = shown_once.read(page_request.request, _KIND, _STRANGER, _SIGN_IN)
    try:
        user = await passkeys.sign_in.finish(fields.raw("answer"), _challenge(kept), page_request.address)
    except NotApproved:
        return _problem(page_request, wanted, gettext(NOT_APPROVED), 403)
    except PasskeyRefused:
        return _problem(page_request, wanted, gettext("This passkey did not sign you in."), 401)
    except TooManyAttempts as error:
        await asyncio.sleep(error.delay)
        response = _problem(page_request, wanted, try_again(error), 429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    await page_request.begin_session(user)
    response = redirect_to(wanted or HOME)
    shown_once.forget(response, _KIND, _SIGN_IN)
    return response


async def back_to_sign_in(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to the form."""
    _ = _services(page_request)
    return redirect_to(_SIGN_IN)


def name_problem(name: str) -> str:
    """Whether a passkey can be called so."""
    if not name:
        return gettext("Give the passkey a name, such as that of the device.")
    if len(name) > LONGEST_NAME:
        return gettext("A name has at most %(most)s characters.", most=LONGEST_NAME)
    return "" if name.isprintable() else gettext("A name is one line of text.")


def _too_many() -> str:
    return gettext("You can have %(most)s passkeys. Remove one first.", most=MOST_PASSKEYS)


def fresh(page_request: PageRequest) -> bool:
    """Whether the person has signed in just now."""
    begun = page_request.session.get(BEGUN, 0)
    return isinstance(begun, int) and 0 <= page_request.services.clock() - begun < FRESH


def _services(page_request: PageRequest) -> PasskeyServices:
    found = page_request.services.passkeys
    if found is None:
        raise PageNotFound
    return found


def _owner(page_request: PageRequest) -> User:
    """Who is signed in. Raises PageNotFound for those whom a provider signs in."""
    if page_request.user.provider:
        raise PageNotFound
    return page_request.user


def _challenge(kept: dict[str, object] | None) -> Challenge | None:
    """What this browser was asked to sign."""
    value, ends = (kept.get("challenge"), kept.get("ends")) if kept else (None, None)
    return Challenge(value, ends) if isinstance(value, str) and isinstance(ends, int) else None


async def _list_page(page_request: PageRequest, problems: dict[str, str], name: str = "") -> web.Response:
    own = _services(page_request).own
    passkeys = await own.listed(_owner(page_request))
    status = 422 if any(problems.values()) else 200
    return page_request.page(
        "passkeys.html",
        status,
        passkeys=passkeys,
        most=MOST_PASSKEYS,
        fresh=fresh(page_request),
        problems=problems,
        name=name,
    )


def _problem(page_request: PageRequest, wanted: str, text: str, status: int) -> web.Response:
    return sign_in_page(page_request, "", wanted, status=status, passkey_problem=text)
