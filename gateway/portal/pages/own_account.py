"""One's own sessions, and the end of one's own account."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.users import LastAdministrator
from gateway.oauth.team import TeamRefused
from gateway.oauth.user import User
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.account import wrong_current
from gateway.portal.sessions import browser_of
from gateway.translation.text import gettext

_PATH = "/portal/account"


async def sessions(page_request: PageRequest) -> web.StreamResponse:
    """Where one is signed in."""
    user, services = page_request.user, page_request.services
    own = services.session_key(page_request.session.identity)
    found = await services.sessions.listed(user.id)
    # This one comes first.
    listed = sorted(found, key=lambda one: one.key != own)
    return page_request.page(
        "sessions.html",
        sessions=[(one, browser_of(one.agent), one.key == own) for one in listed],
        others=sum(one.key != own for one in listed),
    )


async def end_session(page_request: PageRequest) -> web.StreamResponse:
    """Ends one of one's sessions."""
    user, wanted = page_request.user, page_request.request.match_info["session"]
    await page_request.fields()
    found = await page_request.services.sessions.listed(user.id)
    if wanted not in [one.key for one in found]:
        return redirect_to(f"{_PATH}/sessions", "session-gone")
    await page_request.services.sessions.end(user.id, [wanted])
    return redirect_to(f"{_PATH}/sessions", "session-ended")


async def end_other_sessions(page_request: PageRequest) -> web.StreamResponse:
    """Ends all of one's sessions but this one."""
    user, services = page_request.user, page_request.services
    await page_request.fields()
    own = services.session_key(page_request.session.identity)
    found = await services.sessions.listed(user.id)
    await services.sessions.end(user.id, [one.key for one in found if one.key != own])
    return redirect_to(f"{_PATH}/sessions", "sessions-ended")


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to a form."""
    _ = page_request.user
    return redirect_to(f"{_PATH}/sessions")


async def delete_form(page_request: PageRequest) -> web.StreamResponse:
    """Asks first, and says what ends."""
    return await _delete_page(page_request, _account(page_request), {})


async def delete(page_request: PageRequest) -> web.StreamResponse:
    """Removes one's account, with one's applications if that is wanted; else they stay, without an owner."""
    user = _account(page_request)
    fields, services = await page_request.fields(), page_request.services
    # Who signs in at a provider has no password here.
    problem = "" if user.provider else await wrong_current(page_request, fields.raw("current"))
    if problem:
        return await _delete_page(page_request, user, {"current": problem})
    if await services.teams.needing(user):
        return await _delete_page(page_request, user, {})
    try:
        user = await services.users.resign(user)
    except LastAdministrator:
        problem = gettext("There is no other administrator: give somebody else the role first.")
        return await _delete_page(page_request, user, {"current": problem})
    if fields.raw("applications") == "delete":
        for application in await services.applications.search(user):
            if application.owner == user.id:
                await services.applications.delete(application)
    try:
        await services.teams.leave_all(user)
    except TeamRefused:
        return await _delete_page(page_request, user, {})
    await services.users.delete(user)
    # Nobody can add them any more.
    await services.teams.leave_all(user)
    page_request.session.invalidate()
    return redirect_to("/portal/sign-in", "account-deleted")


def _account(page_request: PageRequest) -> User:
    """Who is signed in. Raises PageNotFound for users of gateway.yaml, who can't delete themselves."""
    if page_request.user.source == "file":
        raise PageNotFound
    return page_request.user


async def _delete_page(page_request: PageRequest, user: User, problems: dict[str, str]) -> web.Response:
    found = await page_request.services.applications.search(user)
    own = [one for one in found if one.owner == user.id]
    needing = await page_request.services.teams.needing(user)
    return page_request.page(
        "delete_account.html",
        422 if problems else 409 if needing else 200,
        applications=own,
        needing=needing,
        problems=problems,
    )
