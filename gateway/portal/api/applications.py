"""Applications, as programs make and change them."""

from __future__ import annotations

from aiohttp import web

from gateway.http.problems import BAD_REQUEST, Problem
from gateway.portal.api.api_request import FORBIDDEN, Call
from gateway.portal.api.paging import paged
from gateway.portal.api.request_bodies import ApplicationBody
from gateway.portal.api.responses import answer, application_shape
from gateway.portal.form_rules import offered_tiers
from gateway.portal.new_owner import new_owner
from gateway.portal.versions import application_check, application_version

PATH = "/portal/api/v1/applications"
UNLIMITED = "unlimited"
"""What WSO2 calls no tier."""


async def listing(call: Call) -> web.Response:
    """The caller's applications."""
    found = await call.services.applications.search(call.user, call.searched)
    return paged(call, found, application_shape)


async def create(call: Call) -> web.Response:
    """Makes an application."""
    body = await call.body(ApplicationBody)
    name, description, tier = _checked(call, body, "")
    team = None if body.teamId is None else await call.services.teams.find(call.user, body.teamId)
    if body.teamId is not None and team is None:
        raise Problem(BAD_REQUEST, "teamId: there is no such team.")
    made = await call.services.applications.create(call.user, name, description, tier, team)
    version = application_version(made)
    return answer(application_shape(made), 201, Location=f"{PATH}/{made.id}", ETag=version)


async def show(call: Call) -> web.Response:
    """One application."""
    application = await call.application()
    return answer(application_shape(application), ETag=application_version(application))


async def change(call: Call) -> web.Response:
    """Changes an application."""
    application, body = await call.application(), await call.body(ApplicationBody)
    name, description, tier = _checked(call, body, application.tier)
    if body.teamId not in (None, application.owner):
        raise Problem(BAD_REQUEST, "teamId: change-owner gives an application to a team.")
    check = application_check(call.if_match)
    changed = await call.services.applications.edit(application, name, description, tier, check)
    return answer(application_shape(changed), ETag=application_version(changed))


async def change_owner(call: Call) -> web.Response:
    """Gives an application to a team of the caller's or back; administrators to any user or team."""
    application, wanted = await call.application(), call.request.query.get("owner", "")
    applications = call.services.applications
    if await applications.find(call.user, application.id, "hand_over") is None:
        raise Problem(FORBIDDEN, "Only its owner, or an administrator, may change the owner.")
    owner = await new_owner(call.services, call.user, wanted)
    if owner is None and not call.user.admin:
        # The same for whoever exists and for nobody.
        raise Problem(FORBIDDEN, "Give it to a team that you own; only an administrator gives it to others.")
    if owner is None:
        raise Problem(BAD_REQUEST, "owner: there is no user with this name or id, and no such team.")
    return answer(application_shape(await applications.change_owner(application, owner)))


async def delete(call: Call) -> web.Response:
    """Deletes an application, its keys and all their tokens."""
    await call.services.applications.delete(await call.application(), application_check(call.if_match))
    return web.Response(status=204)


def _checked(call: Call, body: ApplicationBody, current: str) -> tuple[str, str, str]:
    tiers = offered_tiers(call.services.facts, call.user, current)
    # What is left out stays as it is.
    tier = current if body.throttlingPolicy is None else body.throttlingPolicy
    if tier not in tiers and tier.lower() == UNLIMITED:
        # WSO2's clients always name a tier.
        tier = ""
    if tier not in tiers:
        raise Problem(BAD_REQUEST, "throttlingPolicy: you may not choose this tier.")
    return body.name.strip(), (body.description or "").strip(), tier
