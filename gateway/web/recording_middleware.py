"""Records every request that goes through aiohttp, however it ended, and runs `on_finish`."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from aiohttp import web

from gateway.http.endpoints import VERIFY
from gateway.http.problems import Problem
from gateway.proxy.mcp_guard import called_tools
from gateway.proxy.pipeline import run_on_finish
from gateway.server.client_connection import connection_of
from gateway.web.edge_questions import LEFT
from gateway.web.error_responses import Handler
from gateway.web.proxy_services import DESCRIBED, EXCHANGE, PROXIED
from gateway.web.refusal_recorder import RefusalRecorder
from gateway.web.request_context import ERROR, HEAD, OAUTH_CALL, REQUEST_ID, asked_for
from gateway.web.request_recorder import CLIENT_DISCONNECTED, OtherFacts, RequestRecorder, client_of


def recording_middleware(recorder: RequestRecorder) -> object:
    """The outermost middleware."""

    @web.middleware
    async def recording(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        recorder.telemetry.in_flight += 1
        status, size = CLIENT_DISCONNECTED, 0
        try:
            response = await handler(request)
            status, size = response.status, body_size(response)
            return response
        finally:
            recorder.telemetry.in_flight -= 1
            await run_on_finish(request.get(EXCHANGE))
            _record(request, recorder, status, size, perf_counter() - started)

    return recording


def noted_in(refusals: RefusalRecorder) -> Callable[[web.Request, Problem], None]:
    """Notes the problems of requests that aiohttp has parsed."""

    def note(request: web.Request, problem: Problem) -> None:
        exchange = request.get(EXCHANGE)
        if exchange is not None:
            refusals.problem(exchange, problem)
        else:
            method, path = asked_for(request)
            address = connection_of(request).peer.address
            refusals.unrouted(method, path, address, request[REQUEST_ID], problem)

    return note


def body_size(response: web.StreamResponse) -> int:
    """Bytes of an answer's body."""
    size = getattr(response, "size", None)
    if size is not None:
        return int(size)
    body = getattr(response, "body", None)
    return len(body) if isinstance(body, bytes) else 0


def _record(request: web.Request, recorder: RequestRecorder, status: int, size: int, seconds: float) -> None:
    exchange, head = request.get(EXCHANGE), request.get(HEAD)
    if LEFT in request:
        return
    if exchange is not None:
        if DESCRIBED in request.match_info or exchange.request.peer.asking:
            recorder.verification(exchange, status, size, seconds)
            return
        recorder.exchange(exchange, status, size, seconds)
        for tool in called_tools(exchange) if exchange.route.mcp else ():
            # Clients leave a stream as soon as they have the result.
            answered = status if exchange.response is None else exchange.response.status
            recorder.telemetry.tool_call(exchange.route.path, tool, answered)
        return
    recorder.other(
        _endpoint(request),
        request.method if head is None else head.method,
        b"-" if head is None else head.path,
        connection_of(request).peer.address if head is None else head.peer.address,
        request.get(REQUEST_ID, "-"),
        status,
        size,
        seconds,
        client_of(request.get(OAUTH_CALL)),
        OtherFacts(
            () if head is None else head.headers,
            connection_of(request).peer.version or request.version[:2],
            request.get(OAUTH_CALL),
            request.get(ERROR, ""),
        ),
    )


def _endpoint(request: web.Request) -> str:
    """The path of an endpoint of the gateway's own; `-` where there is neither endpoint nor route."""
    if DESCRIBED in request.match_info:
        return VERIFY
    resource = request.match_info.route.resource
    return "-" if resource is None or PROXIED in request.match_info else resource.canonical
