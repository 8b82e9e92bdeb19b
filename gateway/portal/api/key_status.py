"""How a pair of keys stands: its last uses, what it has left of its limits, and its last calls."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.accounts.calls import RecentCall
from gateway.accounts.key_uses import LAST_CALL, LAST_TOKEN, KeyUse
from gateway.accounts.limits_left import LimitLeft
from gateway.portal.api.api_request import Call
from gateway.portal.api.paging import paged
from gateway.portal.api.responses import answer
from gateway.portal.call_reasons import reason_text


async def show(call: Call) -> web.Response:
    """The last uses of keys, and what they have left of their limits."""
    _, _, client = await call.keys()
    uses = await call.services.key_uses.read(client.id, (LAST_CALL, LAST_TOKEN))
    limits = await call.services.limits_left(client)
    return answer(
        {
            "lastCall": _shape(uses.get(LAST_CALL)),
            "lastToken": _shape(uses.get(LAST_TOKEN)),
            "limits": [_limit_shape(one) for one in limits],
        }
    )


async def calls(call: Call) -> web.Response:
    """The last calls of keys, newest first."""
    _, _, client = await call.keys()
    last = await call.services.calls.last(client.id, call.services.facts.recent_calls)
    return paged(call, last, _call_shape)


def _call_shape(one: RecentCall) -> dict[str, Any]:
    return {
        "time": one.time,
        "method": one.method,
        "route": one.route,
        "status": one.status,
        "code": one.reason or None,
        "reason": reason_text(one.status, one.reason) or None,
        "seconds": one.seconds,
        "requestId": one.request_id,
    }


def _shape(use: KeyUse | None) -> dict[str, Any] | None:
    if use is None:
        return None
    return {"time": use.time, "address": use.address, "library": use.library or None}


def _limit_shape(one: LimitLeft) -> dict[str, Any]:
    return {
        "name": one.name,
        "route": one.route or None,
        "methods": list(one.methods),
        "limit": one.limit,
        "seconds": one.seconds,
        "left": one.left,
        "ends": one.ends,
    }
