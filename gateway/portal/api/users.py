"""Users, as administrators' programs manage them."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.invitations import LIFETIME, invitation_link
from gateway.accounts.users import LastAdministrator, UserExists
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.oauth.user import User
from gateway.portal.api.api_request import CONFLICT, NOT_FOUND, Call
from gateway.portal.api.paging import paged
from gateway.portal.api.request_bodies import UserBody
from gateway.portal.api.responses import answer, user_shape
from gateway.portal.form_rules import user_name_problem
from gateway.portal.sessions import end_all
from gateway.portal.versions import only_if, user_version


async def listing(call: Call) -> web.Response:
    """The users of gateway.yaml, then the accounts of the store. Only administrators may see them."""
    wanted, users = call.searched.strip().lower(), call.services.users
    everybody = (*users.of_file, *(one for one, _ in await users.accounts()))
    found = [one for one in everybody if wanted in one.key]
    return paged(call, found, user_shape)


async def show(call: Call) -> web.Response:
    """One user."""
    return _answered(await _user(call))


async def change(call: Call) -> web.Response:
    """Gives an account another name or role, which ends its sessions and tokens."""
    user, body = await _account(call), await call.body(UserBody)
    only_if(call.if_match, user_version(user))
    users = call.services.users
    if body.name is not None and body.name != user.name:
        if problem := user_name_problem(body.name):
            raise Problem(BAD_REQUEST, f"name: {problem}")
        try:
            user = await users.rename(user, body.name)
        except UserExists:
            raise Problem(CONFLICT, "name: there is a user of this name already.") from None
    if body.role is not None and body.role != user.role:
        if user.provider:
            raise Problem(CONFLICT, "role: who signs in at a provider gets the role there.")
        try:
            user = await users.set_role(user, body.role)
        except LastAdministrator:
            raise Problem(CONFLICT, "role: there is no other administrator.") from None
    return _answered(user)


async def approve(call: Call) -> web.Response:
    """Lets the user of a pending account sign in."""
    return _answered(await call.services.users.approve(await _pending(call)))


async def reject(call: Call) -> web.Response:
    """Removes a pending account, whose name is free again."""
    await call.services.users.reject(await _pending(call))
    return web.Response(status=204)


async def remove_passkeys(call: Call) -> web.Response:
    """Removes somebody's passkeys, and ends their sessions."""
    user, services = await _user(call), call.services
    await services.all_passkeys.remove_all(user)
    await end_all(services.sessions, user.id)
    return web.Response(status=204)


async def invite(call: Call) -> web.Response:
    """A link with which one person can create an account, where sign-up is by invitation."""
    services = call.services
    if services.facts.sign_up != "invitation":
        raise Problem(NOT_FOUND, "Nobody signs up by invitation here.")
    link = invitation_link(services.facts.public_url, await services.invitations.create())
    return answer({"invitation": link, "validityTime": LIFETIME}, 201)


async def _user(call: Call) -> User:
    found = await call.services.users.get(call.request.match_info["userId"])
    if found is None:
        raise Problem(NOT_FOUND)
    return found


async def _account(call: Call) -> User:
    """A user of the store. Raises Problem."""
    user = await _user(call)
    if user.source == "file":
        raise Problem(CONFLICT, "The user is defined in gateway.yaml.")
    return user


async def _pending(call: Call) -> User:
    user = await _user(call)
    if not user.pending:
        raise Problem(CONFLICT, "The account does not wait for approval.")
    only_if(call.if_match, user_version(user))
    return user


def _answered(user: User) -> web.Response:
    return answer(user_shape(user), ETag=user_version(user))
