"""The management listener: is it alive, is it ready, what has it counted. Not for the public."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.errors import GatepostError
from gateway.telemetry import Telemetry

Ready = Callable[[], Awaitable[None]]
"""Asks what the gateway can't serve without. Raises GatepostError where it does not answer."""

DEADLINE = 5.0
"""Seconds after which a question without an answer counts as a no, whatever its own limit."""


def management_app(ready: Ready, telemetry: Telemetry) -> web.Application:
    """`/healthz`, `/readyz` and `/metrics`."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        reason = await _obstacle(ready)
        if reason is None:
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready", "reason": reason}, status=503)

    async def metrics(_: web.Request) -> web.Response:
        body, content_type = telemetry.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


async def _obstacle(ready: Ready) -> str | None:
    """Why the gateway can't serve now; None where it can."""
    try:
        async with asyncio.timeout(DEADLINE):
            await ready()
    except GatepostError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {DEADLINE:g} seconds"
    return None
