"""Applications, as programs make and change them."""

from __future__ import annotations

from aiohttp import web

from gateway.faults import BAD_REQUEST, Fault
from gateway.portal.api.answers import answer, application_shape, page_shape
from gateway.portal.api.bodies import ApplicationBody
from gateway.portal.api.request import Call
from gateway.portal.rules import offered_tiers

PATH = "/portal/api/v1/applications"
MOST_SHOWN = 200
LONGEST_QUERY = 100
UNLIMITED = "unlimited"
"""What WSO2 calls no tier."""


async def listing(call: Call) -> web.Response:
    """The caller's applications."""
    limit, offset = call.number("limit", 25, MOST_SHOWN), call.number("offset", 0, 999_999)
    wanted = call.request.query.get("query", "")
    if len(wanted) > LONGEST_QUERY:
        raise Fault(BAD_REQUEST, f"query must have at most {LONGEST_QUERY} characters.")
    found = await call.desk.applications.search(call.user, wanted)
    return answer(page_shape([application_shape(one) for one in found], offset, limit))


async def create(call: Call) -> web.Response:
    """Makes an application."""
    name, description, tier = _checked(call, await call.body(ApplicationBody), "")
    made = await call.desk.applications.create(call.user, name, description, tier)
    return answer(application_shape(made), 201, Location=f"{PATH}/{made.id}")


async def show(call: Call) -> web.Response:
    """One application."""
    return answer(application_shape(await call.application()))


async def change(call: Call) -> web.Response:
    """Changes an application."""
    application = await call.application()
    name, description, tier = _checked(call, await call.body(ApplicationBody), application.tier)
    changed = await call.desk.applications.edit(application, name, description, tier)
    return answer(application_shape(changed))


async def delete(call: Call) -> web.Response:
    """Deletes an application, its keys and all their tokens."""
    await call.desk.applications.delete(await call.application())
    return web.Response(status=204)


def _checked(call: Call, body: ApplicationBody, current: str) -> tuple[str, str, str]:
    tiers = offered_tiers(call.desk.facts, call.user, current)
    # What is left out stays as it is.
    tier = current if body.throttlingPolicy is None else body.throttlingPolicy
    if tier not in tiers and tier.lower() == UNLIMITED:
        # WSO2's clients always name a tier.
        tier = ""
    if tier not in tiers:
        raise Fault(BAD_REQUEST, "throttlingPolicy: you may not choose this tier.")
    return body.name.strip(), (body.description or "").strip(), tier
