"""Who did what with an application; for administrators, with all of them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.accounts.activity import ACTIONS, PLACE, ActivityEntry, ActivityFilter, ActivityPage
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.portal.api.api_request import Call
from gateway.portal.api.responses import answer
from gateway.portal.filters import utc


async def of_application(call: Call) -> web.Response:
    """What was done with an application, newest first."""
    application = await call.application()
    return _answer(await call.services.activity.page(application.id, before=_before(call)))


async def of_all(call: Call) -> web.Response:
    """What was done in the whole portal. For administrators."""
    query = call.request.query
    action, application = call.choice("action", ACTIONS) or "", query.get("applicationId", "")
    applications = frozenset({application}) if application else None
    wanted = ActivityFilter(query.get("actor", ""), action, applications)
    return _answer(await call.services.activity.page("", wanted, _before(call)))


def _before(call: Call) -> str:
    place = call.request.query.get("before")
    if place is not None and not PLACE.fullmatch(place):
        raise Problem(BAD_REQUEST, "before must be what an answer had in next.")
    return place or ""


def _answer(page: ActivityPage) -> web.Response:
    shown = [_shape(one) for one in page.entries]
    return answer({"count": len(shown), "list": shown, "next": page.older or None})


def _shape(one: ActivityEntry) -> dict[str, Any]:
    return {
        "time": utc(one.time),
        "actor": one.actor,
        "action": one.action,
        "target": one.target,
        "applicationId": one.application or None,
        "before": one.before,
        "after": one.after,
    }
