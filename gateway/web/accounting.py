"""What is noted of every request, however it ended: counts, the access log, and `on_finish`."""

from __future__ import annotations

import logging
from time import perf_counter

from aiohttp import web

from gateway.proxy.pipeline import run
from gateway.web.arrival import HEAD, REQUEST_ID
from gateway.web.desk import EXCHANGE, PROXIED
from gateway.web.faults import Handler
from gateway.web.ledger import CALLER_LEFT, Ledger

log = logging.getLogger("gatepost")


def accounting_middleware(ledger: Ledger) -> object:
    """The outermost middleware."""

    @web.middleware
    async def accounting(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        ledger.telemetry.in_flight += 1
        status, size = CALLER_LEFT, 0
        try:
            response = await handler(request)
            status, size = response.status, body_size(response)
            return response
        finally:
            ledger.telemetry.in_flight -= 1
            await _finish(request)
            _record(request, ledger, status, size, perf_counter() - started)

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


def _record(request: web.Request, ledger: Ledger, status: int, size: int, seconds: float) -> None:
    exchange = request.get(EXCHANGE)
    if exchange is not None:
        ledger.exchange(exchange, status, size, seconds)
        return
    head = request.get(HEAD)
    ledger.other(
        _endpoint(request),
        request.method,
        b"-" if head is None else head.path,
        (request.remote or "-") if head is None else head.peer.address,
        request.get(REQUEST_ID, "-"),
        status,
        size,
        seconds,
    )


def _endpoint(request: web.Request) -> str:
    """The path of an endpoint of the gateway's own; `-` where there is neither endpoint nor route."""
    resource = request.match_info.route.resource
    return "-" if resource is None or PROXIED in request.match_info else resource.canonical
