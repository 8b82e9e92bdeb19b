"""What is noted of every request, however it ended: counts, the access log, and `on_finish`."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Protocol

from aiohttp import web

from gateway.proxy.pipeline import run
from gateway.telemetry import Telemetry
from gateway.web.arrival import HEAD, REQUEST_ID
from gateway.web.desk import EXCHANGE, PROXIED
from gateway.web.faults import Handler

log = logging.getLogger("gatepost")
CALLER_LEFT = 499
"""Noted where the caller left before its answer was complete; never sent."""


class Note(Protocol):
    """Writes one line of the access log."""

    def __call__(
        self,
        *,
        address: str,
        method: str,
        path: str,
        status: int,
        size: int,
        seconds: float,
        route: str,
        client: str,
        request_id: str,
    ) -> None:
        """The parts of the line, in their order."""


def accounting_middleware(telemetry: Telemetry, note: Note | None) -> object:
    """The outermost middleware."""

    @web.middleware
    async def accounting(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        telemetry.in_flight += 1
        status, size = CALLER_LEFT, 0
        try:
            response = await handler(request)
            status, size = response.status, body_size(response)
            return response
        finally:
            telemetry.in_flight -= 1
            await _finish(request)
            _record(request, telemetry, note, status, size, perf_counter() - started)

    return accounting


def body_size(response: web.StreamResponse) -> int:
    """Bytes of an answer's body."""
    size = getattr(response, "size", None)
    if size is not None:
        return int(size)
    body = getattr(response, "body", None)
    return len(body) if isinstance(body, bytes) else 0


async def _finish(request: web.Request) -> None:
    exchange = request.get(EXCHANGE)
    if exchange is None or not exchange.route.pipeline.on_finish:
        return
    try:
        await run(exchange.route.pipeline.on_finish, exchange)
    except Exception:
        # The answer is out: all that is left is to say so.
        log.exception("a plugin failed in on_finish")


def _record(
    request: web.Request, telemetry: Telemetry, note: Note | None, status: int, size: int, seconds: float
) -> None:
    exchange, head = request.get(EXCHANGE), request.get(HEAD)
    route = exchange.route.path if exchange is not None else _endpoint(request)
    telemetry.request(route, request.method, status, seconds)
    if note is not None:
        note(
            address=head.peer.address if head else request.remote or "-",
            method=request.method,
            path=head.path.decode("latin-1") if head else "-",
            status=status,
            size=size,
            seconds=seconds,
            route=route,
            client=exchange.caller.client if exchange and exchange.caller else "-",
            request_id=request.get(REQUEST_ID, "-"),
        )


def _endpoint(request: web.Request) -> str:
    """The path of an endpoint of the gateway's own; `-` where there is neither endpoint nor route."""
    resource = request.match_info.route.resource
    return "-" if resource is None or PROXIED in request.match_info else resource.canonical
