"""A developer's applications: listed, made, changed, deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from gateway.accounts.access import ApplicationRight, may_receive, needs_second_owner
from gateway.accounts.applications import ApplicationRefused
from gateway.accounts.limits_left import LimitLeft
from gateway.oauth.application import ENVIRONMENTS, Application
from gateway.oauth.team import Team
from gateway.portal.form_rules import application_problems, offered_tiers
from gateway.portal.listing import listed
from gateway.portal.page_request import HOME, Fields, PageNotFound, PageRequest, redirect_to
from gateway.portal.versions import VersionDiffers, details_check, details_version
from gateway.translation.text import gettext

MOST_LIMITS = 3
"""Limits that the page of an application shows of its keys."""
_COLUMNS: dict[str, Callable[[Application], Any]] = {
    "name": lambda one: one.name.casefold(),
    "owner": lambda one: one.owner_name.casefold(),
    "created": lambda one: one.created,
}


async def home(page_request: PageRequest) -> web.StreamResponse:
    """Redirects to the applications, or to the sign-in page."""
    return redirect_to(HOME if page_request.person is not None else "/portal/sign-in")


async def overview(page_request: PageRequest) -> web.StreamResponse:
    """One's applications; all of them for an administrator, or with `owner=none` those without an owner."""
    search = page_request.query("search")[:100]
    found = await page_request.services.applications.search(page_request.user, search)
    without_owner = [one for one in found if not one.has_owner]
    only_without_owner = page_request.query("owner") == "none"
    shown = without_owner if only_without_owner else found
    return page_request.page(
        "applications.html",
        found=listed(shown, page_request.request.query, _COLUMNS, HOME, ("search", "owner")),
        search=search,
        without_owner=len(without_owner),
        shows_owner=page_request.user.admin or any(one.owner != page_request.user.id for one in found),
        only_without_owner=only_without_owner,
    )


async def the_application(page_request: PageRequest, right: ApplicationRight = "manage") -> Application:
    """The application that the path names. Raises PageNotFound for nobody's and for somebody else's."""
    found = await page_request.services.applications.find(
        page_request.user, page_request.request.match_info["id"], right
    )
    if found is None:
        raise PageNotFound
    return found


async def next_teams(page_request: PageRequest, application: Application) -> list[Team]:
    """The teams of one's own that one could give an application to."""
    user = page_request.user
    found = await page_request.services.teams.of(user)
    return [one for one in found if one.id != application.owner and may_receive(user, one.id, {one.id: one})]


async def _hands_over(page_request: PageRequest, application: Application) -> bool:
    """Whether one can give an application to another owner, and there is one."""
    user, services = page_request.user, page_request.services.applications
    if await services.find(user, application.id, "hand_over") is None:
        return False
    elsewhere = user.admin or application.owner != user.id
    return elsewhere or bool(await next_teams(page_request, application))


async def new_form(page_request: PageRequest) -> web.StreamResponse:
    """The form for a new application."""
    teams = await page_request.services.teams.of(page_request.user)
    return _form(page_request, None, "", "", "", {}, teams, page_request.query("team"))


def _form(
    page_request: PageRequest,
    application: Application | None,
    name: str,
    description: str,
    tier: str,
    problems: dict[str, str],
    teams: Sequence[Team] = (),
    chosen: str = "",
    *,
    changed: bool = False,
) -> web.Response:
    return page_request.page(
        "application_form.html",
        409 if changed else 422 if problems else 200,
        changed=changed,
        seen=details_version(application) if application else "",
        application=application,
        name=name,
        description=description,
        tier=tier,
        tiers=offered_tiers(
            page_request.services.facts, page_request.user, application.tier if application else ""
        ),
        teams=teams,
        chosen=chosen,
        problems=problems,
    )


def _filled(fields: Fields, current: str = "") -> tuple[str, str, str]:
    # Browsers send line breaks as CR LF.
    description = fields.text("description").replace("\r\n", "\n")
    # Where there is nothing to choose, the form has no such field.
    tier = fields.text("tier") if fields.has("tier") else current
    return fields.text("name"), description, tier


async def create(page_request: PageRequest) -> web.StreamResponse:
    """Makes an application."""
    user, fields, services = page_request.user, await page_request.fields(), page_request.services
    name, description, tier = _filled(fields)
    problems = application_problems(name, description, tier, offered_tiers(services.facts, user))
    teams, chosen = await services.teams.of(user), fields.raw("team")
    team = next((one for one in teams if one.id == chosen), None)
    if chosen and team is None:
        problems["team"] = gettext("Choose one of your teams.")
    if not problems:
        try:
            made = await services.applications.create(user, name, description, tier, team)
        except ApplicationRefused as error:
            problems = {"name": str(error)}
        else:
            return redirect_to(f"/portal/applications/{made.id}", "created")
    return _form(page_request, None, name, description, tier, problems, teams, chosen)


async def show(page_request: PageRequest) -> web.StreamResponse:
    """One application, and what keys it has."""
    application = await the_application(page_request)
    services = page_request.services.applications
    keys = {name: await services.client(application, name) for name in ENVIRONMENTS}
    clients = {name: client for name, client in keys.items() if client is not None}
    uses = {name: await page_request.last_uses(client.id) for name, client in clients.items()}
    left = {name: scarcest(await page_request.services.limits_left(one)) for name, one in clients.items()}
    teams = page_request.services.teams
    team = await teams.get(application.owner)
    there = {} if team is None else await teams.member_names(team)
    return page_request.page(
        "application.html",
        application=application,
        team=team,
        needs_second_owner=needs_second_owner(application, team, there),
        hands_over=await _hands_over(page_request, application),
        keys=keys,
        uses=uses,
        limits=left,
    )


def scarcest(limits: Sequence[LimitLeft]) -> list[LimitLeft]:
    """Those of which the smallest shares are left."""
    return sorted(limits, key=lambda one: one.left / one.limit)[:MOST_LIMITS]


async def edit_form(page_request: PageRequest) -> web.StreamResponse:
    """The form with what the application is now."""
    one = await the_application(page_request)
    return _form(page_request, one, one.name, one.description, one.tier, {})


async def edit(page_request: PageRequest) -> web.StreamResponse:
    """Changes name, description and tier."""
    application = await the_application(page_request)
    fields = await page_request.fields()
    name, description, tier = _filled(fields, application.tier)
    check = details_check(fields.raw("seen"))
    tiers = offered_tiers(page_request.services.facts, page_request.user, application.tier)
    problems = application_problems(name, description, tier, tiers)
    if not problems:
        try:
            await page_request.services.applications.edit(application, name, description, tier, check)
        except VersionDiffers:
            there = await the_application(page_request)
            return _form(page_request, there, name, description, tier, {}, changed=True)
        except ApplicationRefused as error:
            problems = {"name": str(error)}
        else:
            return redirect_to(f"/portal/applications/{application.id}", "saved")
    return _form(page_request, application, name, description, tier, problems)


async def delete_form(page_request: PageRequest) -> web.StreamResponse:
    """Asks first, and says what ends."""
    return page_request.page("delete.html", application=await the_application(page_request))


async def delete(page_request: PageRequest) -> web.StreamResponse:
    """Deletes the application, its keys and all their tokens."""
    application = await the_application(page_request)
    await page_request.fields()
    await page_request.services.applications.delete(application)
    return redirect_to(HOME, "deleted")
