"""Teams: people who have applications together. Only a team's owners, and administrators, manage it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.accounts.access import may_manage_team
from gateway.accounts.invitations import team_invitation_link
from gateway.accounts.teams import MemberMissing, anything
from gateway.oauth.team import TEAM_ROLES, Team, TeamRefused, TeamRole
from gateway.oauth.user import User
from gateway.portal.form_rules import team_name_problem
from gateway.portal.listing import listed
from gateway.portal.page_request import Fields, PageNotFound, PageRequest, redirect_to
from gateway.portal.versions import VersionDiffers, only_if, team_name_version
from gateway.translation.text import gettext, gettext_noop

_COLUMNS: dict[str, Callable[[Team], Any]] = {
    "name": lambda one: one.name.casefold(),
    "members": lambda one: len(one.members),
    "created": lambda one: one.created,
}
SHOWN_FOR = 3600
"""Seconds for which a new invitation is shown to who made it."""
NO_USER = gettext_noop("There is no user with this name or id.")
_PATH = "/portal/teams"


async def overview(page_request: PageRequest) -> web.StreamResponse:
    """One's teams; all of them for an administrator."""
    return await _overview(page_request, {})


async def create(page_request: PageRequest) -> web.StreamResponse:
    """Makes a team, whose owner one is."""
    user, name = page_request.user, (await page_request.fields()).text("name")
    problem = team_name_problem(name)
    if not problem:
        try:
            made = await page_request.services.teams.create(user, name)
        except TeamRefused as error:
            problem = str(error)
        else:
            return redirect_to(_path(made), "team-created")
    return await _overview(page_request, {"name": problem}, name)


async def _overview(page_request: PageRequest, problems: dict[str, str], name: str = "") -> web.Response:
    user, search = page_request.user, page_request.searched
    found = [one for one in await page_request.services.teams.seen_by(user) if search in one.name.lower()]
    return page_request.page(
        "teams.html",
        422 if problems else 200,
        found=listed(found, page_request.request.query, _COLUMNS, _PATH),
        search=search,
        problems=problems,
        name=name,
    )


async def show(page_request: PageRequest) -> web.StreamResponse:
    """One team, with its members and applications, and what its owners can do."""
    return await _shown(page_request, await _team(page_request), {})


async def _shown(
    page_request: PageRequest, team: Team, problems: dict[str, str], *, changed: bool = False, **filled: str
) -> web.Response:
    user, services = page_request.user, page_request.services
    names = await services.teams.member_names(team)
    invitation = page_request.kept("team-invitation", _path(team)) or {}
    return page_request.page(
        "team.html",
        409 if changed else 422 if problems else 200,
        changed=changed,
        seen=team_name_version(team),
        team=team,
        members=[(one, names.get(one.id)) for one in team.members],
        applications=await services.teams.applications(team),
        manages=may_manage_team(user, team),
        role=team.role_of(user.id),
        roles=TEAM_ROLES,
        invitation=invitation.get("link", ""),
        problems=problems,
        filled=filled,
    )


async def rename(page_request: PageRequest) -> web.StreamResponse:
    """Gives the team another name."""
    team, fields = await _managed(page_request)
    name = fields.text("name")
    if problem := team_name_problem(name):
        return await _shown(page_request, team, {"name": problem}, name=name)
    managed, seen = _still_managed(page_request.user), fields.raw("seen") or None

    def check(one: Team) -> None:
        managed(one)
        only_if(seen, team_name_version(one))

    try:
        await page_request.services.teams.rename(team, name, check)
    except VersionDiffers:
        return await _shown(page_request, await _team(page_request), {}, changed=True, name=name)
    return redirect_to(_path(team), "saved")


async def add_member(page_request: PageRequest) -> web.StreamResponse:
    """Makes an existing user a member."""
    team, fields = await _managed(page_request)
    wanted, services = fields.text("user"), page_request.services
    found = await services.users.find_by_name_or_id(wanted)
    problem = ""
    if found is None or found.pending or found.blocked:
        problem = gettext(NO_USER)
    else:
        try:
            await services.teams.add(team, found.id, _role(fields), _still_managed(page_request.user))
        except MemberMissing:
            problem = gettext(NO_USER)
        except TeamRefused as error:
            problem = str(error)
    if problem:
        return await _shown(page_request, team, {"user": problem}, user=wanted)
    return redirect_to(_path(team), "member-added")


async def change_role(page_request: PageRequest) -> web.StreamResponse:
    """Makes a member an owner, or an owner a member."""
    team, fields = await _managed(page_request)
    check = _still_managed(page_request.user)
    try:
        await page_request.services.teams.change_role(team, fields.raw("member"), _role(fields), check)
    except TeamRefused as error:
        return await _shown(page_request, team, {"members": str(error)})
    return redirect_to(_path(team), "role-changed")


async def remove_member(page_request: PageRequest) -> web.StreamResponse:
    """Removes a member, who sees nothing of the team from then on."""
    team, fields = await _managed(page_request)
    return await _without(page_request, team, fields.raw("member"), "member-removed")


async def leave(page_request: PageRequest) -> web.StreamResponse:
    """Ends one's own membership."""
    team = await _team(page_request)
    await page_request.fields()
    return await _without(page_request, team, page_request.user.id, "team-left")


async def _without(page_request: PageRequest, team: Team, member: str, done: str) -> web.StreamResponse:
    user = page_request.user
    # Everybody may go; others may be removed by who manages the team.
    check = anything if member == user.id else _still_managed(user)
    try:
        await page_request.services.teams.remove(team, member, check)
    except TeamRefused as error:
        return await _shown(page_request, team, {"members": str(error)})
    return redirect_to(_PATH if member == user.id else _path(team), done)


async def invite(page_request: PageRequest) -> web.StreamResponse:
    """A link with which one user can join, shown for an hour."""
    team, _ = await _managed(page_request)
    services = page_request.services
    link = team_invitation_link(services.facts.public_url, await services.team_invitations.create(team.id))
    response = redirect_to(_path(team), "team-invited")
    ends = int(services.clock()) + SHOWN_FOR
    page_request.keep(response, "team-invitation", _path(team), {"link": link, "ends": ends})
    return response


async def join_form(page_request: PageRequest) -> web.StreamResponse:
    """Asks whoever is signed in whether they want to join."""
    team = await _invited_to(page_request)
    return page_request.page("join_team.html", team=team, role=team.role_of(page_request.user.id))


async def join(page_request: PageRequest) -> web.StreamResponse:
    """Uses an invitation up: who is signed in becomes a member."""
    user, services = page_request.user, page_request.services
    await page_request.fields()
    team, code = await _invited_to(page_request), page_request.request.match_info["code"]
    if team.role_of(user.id) is not None:
        return redirect_to(_path(team))
    left = await services.team_invitations.take(code)
    if not left:
        raise PageNotFound
    try:
        await services.teams.add(team, user.id, "member")
    except TeamRefused:
        await services.team_invitations.give_back(code, team.id, left)
        raise
    return redirect_to(_path(team), "team-joined")


async def _invited_to(page_request: PageRequest) -> Team:
    """The team of an open invitation. Raises PageNotFound."""
    _, services = page_request.user, page_request.services
    team_id = await services.team_invitations.team_id(page_request.request.match_info["code"])
    team = None if team_id is None else await services.teams.get(team_id)
    if team is None:
        raise PageNotFound
    return team


async def delete(page_request: PageRequest) -> web.StreamResponse:
    """Deletes a team that has no application, once the box says that it is meant."""
    team, fields = await _managed(page_request)
    if fields.raw("sure") != "yes":
        return await _shown(page_request, team, {"sure": gettext("Select the checkbox to confirm.")})
    try:
        await page_request.services.teams.delete(team, _still_managed(page_request.user))
    except TeamRefused as error:
        return await _shown(page_request, team, {"sure": str(error)})
    return redirect_to(_PATH, "team-deleted")


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to a form."""
    return redirect_to(_path(await _team(page_request)))


async def back_to_all(page_request: PageRequest) -> web.StreamResponse:
    """Likewise."""
    _ = page_request.user
    return redirect_to(_PATH)


async def _team(page_request: PageRequest) -> Team:
    """The team that the path names. Raises PageNotFound for nobody's and for others'."""
    found = await page_request.services.teams.find(page_request.user, page_request.request.match_info["team"])
    if found is None:
        raise PageNotFound
    return found


async def _managed(page_request: PageRequest) -> tuple[Team, Fields]:
    """The team, and the form. Raises PageNotFound for whoever does not manage the team."""
    team = await _team(page_request)
    _require(page_request.user, team)
    return team, await page_request.fields()


def _require(user: User, team: Team) -> None:
    if not may_manage_team(user, team):
        raise PageNotFound


def _still_managed(user: User) -> Callable[[Team], None]:
    """Looks again in the step of the change."""
    return lambda team: _require(user, team)


def _role(fields: Fields) -> TeamRole:
    return "owner" if fields.raw("role") == "owner" else "member"


def _path(team: Team) -> str:
    return f"{_PATH}/{team.id}"
