"""All users, for administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.accounts.invitations import invitation_link
from gateway.accounts.users import LastAdministrator, UserChanged, UserExists
from gateway.oauth.roles import ROLES, role_named
from gateway.oauth.user import User
from gateway.portal.form_rules import user_name_problem
from gateway.portal.listing import listed
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.sessions import end_all
from gateway.portal.versions import VersionDiffers, only_if, user_version
from gateway.translation.text import gettext

PAGE_ROWS = 25
"""Accounts on a page: each has two forms."""
MOST_WAITING = 200
"""Accounts that wait for approval and are shown at once."""
_COLUMNS: dict[str, Callable[[tuple[User, bool]], Any]] = {
    "name": lambda one: one[0].key,
    "created": lambda one: one[0].created,
}
SHOWN_FOR = 3600
"""Seconds for which a new invitation is shown to who made it."""
_PATH = "/portal/users"


async def show(page_request: PageRequest) -> web.StreamResponse:
    """The users of gateway.yaml, and the accounts of those who signed up."""
    return await _page(page_request, {})


async def rename(page_request: PageRequest) -> web.StreamResponse:
    """Gives an account another name. Its user signs in again, under the new name."""
    fields = await page_request.fields()
    name = fields.text("name")
    user = await page_request.services.users.get(page_request.request.match_info["user"])
    if user is None or user.source == "file":
        raise PageNotFound
    try:
        only_if(fields.raw("seen") or None, user_version(user))
        problem = user_name_problem(name) or await _renamed(page_request, user, name)
    except (VersionDiffers, UserChanged):
        return await _page(page_request, {user.id: ""}, name, changed=True)
    if problem:
        return await _page(page_request, {user.id: problem}, name)
    return redirect_to(_PATH, "renamed")


async def remove_passkeys(page_request: PageRequest) -> web.StreamResponse:
    """Removes somebody's passkeys, and ends their sessions, which one of them may have begun."""
    await page_request.fields()
    services = page_request.services
    user = await services.users.get(page_request.request.match_info["user"])
    if user is None:
        raise PageNotFound
    await services.all_passkeys.remove_all(user)
    await end_all(services.sessions, user.id)
    return redirect_to(_PATH, "passkeys-removed")


async def set_role(page_request: PageRequest) -> web.StreamResponse:
    """Gives an account another role; the last administrator keeps theirs."""
    fields = await page_request.fields()
    role = role_named(fields.raw("role"))
    user = await page_request.services.users.get(page_request.request.match_info["user"])
    if user is None or user.source == "file" or user.provider or role is None:
        raise PageNotFound
    try:
        only_if(fields.raw("seen") or None, user_version(user))
        await page_request.services.users.set_role(user, role)
    except LastAdministrator:
        problem = gettext("There is no other administrator: give somebody else the role first.")
        return await _page(page_request, {user.id: problem}, role=role)
    except (VersionDiffers, UserChanged):
        return await _page(page_request, {user.id: ""}, role=role, changed=True)
    return redirect_to(_PATH, "role-set")


async def approve(page_request: PageRequest) -> web.StreamResponse:
    """Lets the user of a pending account sign in."""
    user = await _pending(page_request)
    await page_request.services.users.approve(user)
    return redirect_to(_PATH, "approved")


async def reject(page_request: PageRequest) -> web.StreamResponse:
    """Removes a pending account."""
    user = await _pending(page_request)
    await page_request.services.users.reject(user)
    return redirect_to(_PATH, "rejected")


async def _pending(page_request: PageRequest) -> User:
    await page_request.fields()
    user = await page_request.services.users.get(page_request.request.match_info["user"])
    if user is None or not user.pending:
        raise PageNotFound
    return user


async def invite(page_request: PageRequest) -> web.StreamResponse:
    """A link with which one person can create an account, shown for an hour."""
    await page_request.fields()
    services = page_request.services
    if services.facts.sign_up != "invitation":
        raise PageNotFound
    link = invitation_link(services.facts.public_url, await services.invitations.create())
    response = redirect_to(_PATH, "invited")
    ends = int(services.clock()) + SHOWN_FOR
    page_request.keep(response, "invitation", _PATH, {"link": link, "ends": ends})
    return response


async def _renamed(page_request: PageRequest, user: User, name: str) -> str:
    """Renames the account; why not, else."""
    try:
        await page_request.services.users.rename(user, name)
    except UserExists:
        return gettext("This name is taken.")
    return ""


async def _page(
    page_request: PageRequest,
    problems: dict[str, str],
    name: str = "",
    role: str = "",
    *,
    changed: bool = False,
) -> web.Response:
    """The list; `problems` of accounts by id, with the name or the role that was filled in for them."""
    invitation = page_request.kept("invitation", _PATH) or {}
    users = page_request.services.users
    search = page_request.searched
    found = [one for one in await users.accounts() if search in one[0].key or one[0].id in problems]
    pending = [one for one, _ in found if one.pending]
    signed_up = [one for one in found if not one[0].pending]
    # What is wrong is seen first, on whichever page its account would be.
    signed_up.sort(key=lambda one: one[0].id not in problems)
    accounts = listed(signed_up, page_request.request.query, _COLUMNS, _PATH, size=PAGE_ROWS)
    of_file = [one for one in users.of_file if search in one.key]
    ids = [one.id for one in (*of_file, *(user for user, _ in accounts.rows))]
    return page_request.page(
        "users.html",
        409 if changed else 422 if problems else 200,
        changed=changed,
        versions={one.id: user_version(one) for one, _ in accounts.rows},
        of_file=of_file,
        pending=pending[:MOST_WAITING],
        accounts=accounts,
        passkeys=await page_request.services.all_passkeys.counts(ids),
        search=search,
        problems=problems,
        roles=ROLES,
        name=name,
        role=role,
        invitation=invitation.get("link", ""),
    )
