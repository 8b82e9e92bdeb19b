"""Teams, as programs make and manage them."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.accounts.access import may_manage_team
from gateway.accounts.invitations import LIFETIME, team_invitation_link
from gateway.accounts.teams import MemberMissing
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.oauth.team import Team
from gateway.oauth.user import is_person
from gateway.portal.api.api_request import FORBIDDEN, NOT_FOUND, Call
from gateway.portal.api.paging import paged
from gateway.portal.api.request_bodies import MemberBody, MemberRoleBody, TeamBody
from gateway.portal.api.responses import answer, team_shape
from gateway.portal.form_rules import team_name_problem
from gateway.portal.versions import team_check, team_version

PATH = "/portal/api/v1/teams"
NOT_AN_OWNER = "Only an owner of the team may do this."
NO_USER = "user: there is no user with this name or id."


async def listing(call: Call) -> web.Response:
    """The caller's teams; all of them for an administrator."""
    found = await call.services.teams.seen_by(call.user)
    names = await call.services.users.names(one.id for team in found for one in team.members)
    return paged(call, found, lambda one: team_shape(one, names))


async def create(call: Call) -> web.Response:
    """Makes a team, whose owner the caller is."""
    name = _name(await call.body(TeamBody))
    if not is_person(call.user.id):
        raise Problem(FORBIDDEN, "Only a person can make a team, or a program that acts for one.")
    made = await call.services.teams.create(call.user, name)
    return answer(await _shape(call, made), 201, Location=f"{PATH}/{made.id}", ETag=team_version(made))


async def show(call: Call) -> web.Response:
    """One team, with its members."""
    return await _answered(call, await _team(call))


async def change(call: Call) -> web.Response:
    """Gives a team another name. Only its owners and administrators may."""
    team, check = await _managed(call)
    name = _name(await call.body(TeamBody))
    return await _answered(call, await call.services.teams.rename(team, name, check))


async def delete(call: Call) -> web.Response:
    """Deletes a team that has no application. Only its owners and administrators may."""
    team, check = await _managed(call)
    await call.services.teams.delete(team, check)
    return web.Response(status=204)


async def add_member(call: Call) -> web.Response:
    """Makes an existing user a member. Only a team's owners and administrators may."""
    team, check = await _managed(call)
    body = await call.body(MemberBody)
    found = await call.services.users.find_by_name_or_id(body.user)
    if found is None or found.pending or found.blocked:
        raise Problem(BAD_REQUEST, NO_USER)
    try:
        changed = await call.services.teams.add(team, found.id, body.role, check)
    except MemberMissing:
        raise Problem(BAD_REQUEST, NO_USER) from None
    return await _answered(call, changed)


async def change_member(call: Call) -> web.Response:
    """Gives a member another role. Only a team's owners and administrators may."""
    team, check = await _managed(call)
    body, member = await call.body(MemberRoleBody), _member(call, team)
    return await _answered(call, await call.services.teams.change_role(team, member, body.role, check))


async def remove_member(call: Call) -> web.Response:
    """Removes a member, or leaves the team. Others can be removed only by its owners and administrators."""
    team = await _team(call)
    check = _version_check(call) if _named(call) == call.user.id else (await _managed(call))[1]
    await call.services.teams.remove(team, _member(call, team), check)
    return web.Response(status=204)


async def invite(call: Call) -> web.Response:
    """A link with which one user can join as a member. Only a team's owners and administrators may."""
    team, _ = await _managed(call)
    code = await call.services.team_invitations.create(team.id)
    link = team_invitation_link(call.services.facts.public_url, code)
    return answer({"invitation": link, "validityTime": LIFETIME}, 201)


async def _team(call: Call) -> Team:
    found = await call.services.teams.find(call.user, call.request.match_info["teamId"])
    if found is None:
        raise Problem(NOT_FOUND)
    return found


async def _managed(call: Call) -> tuple[Team, Callable[[Team], None]]:
    """The team, and what looks again in the step of the change. Raises Problem."""
    team, version = await _team(call), _version_check(call)

    def check(one: Team) -> None:
        if not may_manage_team(call.user, one):
            raise Problem(FORBIDDEN, NOT_AN_OWNER)
        version(one)

    if not may_manage_team(call.user, team):
        raise Problem(FORBIDDEN, NOT_AN_OWNER)
    return team, check


def _version_check(call: Call) -> Callable[[Team], None]:
    return team_check(call.if_match)


def _named(call: Call) -> str:
    return call.request.match_info["memberId"]


def _member(call: Call, team: Team) -> str:
    member = _named(call)
    if team.role_of(member) is None:
        raise Problem(NOT_FOUND)
    return member


def _name(body: TeamBody) -> str:
    name = body.name.strip()
    if problem := team_name_problem(name):
        raise Problem(BAD_REQUEST, f"name: {problem}")
    return name


async def _answered(call: Call, team: Team) -> web.Response:
    return answer(await _shape(call, team), ETag=team_version(team))


async def _shape(call: Call, team: Team) -> dict[str, object]:
    return team_shape(team, await call.services.teams.member_names(team))
