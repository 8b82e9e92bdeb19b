"""How a pair of keys stands: its last uses."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.accounts.key_uses import LAST_CALL, LAST_TOKEN, KeyUse
from gateway.portal.api.api_request import Call
from gateway.portal.api.responses import answer


async def show(call: Call) -> web.Response:
    """When, from where and with what keys were used last."""
    _, _, client = await call.keys()
    uses = await call.services.key_uses.read(client.id, (LAST_CALL, LAST_TOKEN))
    return answer({"lastCall": _shape(uses.get(LAST_CALL)), "lastToken": _shape(uses.get(LAST_TOKEN))})


def _shape(use: KeyUse | None) -> dict[str, Any] | None:
    if use is None:
        return None
    return {"time": use.time, "address": use.address, "library": use.library or None}
