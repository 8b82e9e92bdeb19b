"""The management listener: liveness, readiness, metrics and status. Do not expose it to clients."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web

from gateway.errors import StoreUnavailable
from gateway.process.predecessor import RELEASE_PATH
from gateway.process.readiness import ReadinessCheck, readiness, readiness_response
from gateway.process.status_page import PAGE_HEADERS, status_page
from gateway.telemetry import Telemetry

RELEASED = web.AppKey("released", asyncio.Event)
"""Set when a successor asks for the address of the management listener."""
DRAINING = web.AppKey("draining", asyncio.Event)
"""Set while the gateway shuts down: it is not ready, and finishes the requests in flight."""


Documents = Mapping[str, Callable[[], dict[str, Any]]]
"""Functions that make a JSON document, by the path at which it is served."""


Why = Callable[[str], Awaitable[dict[str, Any] | None]]
"""The facts of the refusal of a request, by its id; None: nothing is known of it."""


def management_app(
    ready: ReadinessCheck,
    telemetry: Telemetry,
    documents: Documents = MappingProxyType({}),
    why: Why | None = None,
) -> web.Application:
    """`/healthz`, `/readyz`, `/metrics`, further `documents`, and `/why/REQUEST_ID`."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        strict = request.query.get("strict", "no").lower() not in ("no", "false", "0")
        draining = request.app[DRAINING].is_set()
        status, body = readiness_response(await readiness(ready), strict=strict, draining=draining)
        return web.json_response(body, status=status)

    async def metrics(_: web.Request) -> web.Response:
        body, content_type = telemetry.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def release(request: web.Request) -> web.Response:
        if not request.app[DRAINING].is_set():
            return web.json_response({"status": "not shutting down"}, status=409)
        request.app[RELEASED].set()
        return web.json_response({"status": "released"}, headers={"Connection": "close"})

    app = web.Application()
    app[DRAINING], app[RELEASED] = asyncio.Event(), asyncio.Event()
    app.router.add_post(RELEASE_PATH, release)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    if why is not None:
        app.router.add_get("/why/{request_id}", _why_handler(why))
    for path, document in documents.items():
        app.router.add_get(path, _document_handler(path, document))
    return app


def _why_handler(why: Why) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-store"}
        try:
            facts = await why(request.match_info["request_id"])
        except StoreUnavailable as error:
            return web.json_response({"error": error.reason}, status=503, headers=headers)
        if facts is None:
            text = "no refusal of this request is known: it is older than an hour, or one of a flood"
            return web.json_response({"error": text}, status=404, headers=headers)
        return web.json_response(facts, headers=headers)

    return answer


def _document_handler(
    path: str, document: Callable[[], dict[str, Any]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        # Browsers name text/html; programs get JSON whatever they accept.
        if "text/html" in request.headers.get("Accept", ""):
            page = status_page(path, document())
            return web.Response(text=page, content_type="text/html", headers=PAGE_HEADERS)
        return web.json_response(document(), headers={"Cache-Control": "no-store"})

    return answer
