"""aiohttp's handler of proxied routes: sends admitted requests upstream, and their responses back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from gateway.http.chunked_body import one_chunk
from gateway.http.exchange import Exchange, Response
from gateway.http.max_forwards import max_forwards_response
from gateway.http.response_framing import NO_BODY, response_head
from gateway.http.upgrade import asked_upgrade, upgrade_lines, upgraded_headers
from gateway.http.websocket_frames import FrameFollower
from gateway.proxy.phases import CHUNKED, RequestFraming, forward
from gateway.proxy.pipeline import run_hooks, settled
from gateway.proxy.public_response import with_public_urls
from gateway.proxy.request_tokens import chosen_protocol
from gateway.proxy.response_rendering import head_for_plugins
from gateway.server.client_connection import connection_of
from gateway.server.raw_response import AlreadySentResponse, send_response
from gateway.server.tunnel import TunnelRelay
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import EXPECT_LINE, UpstreamRequest
from gateway.web.aiohttp_response import AiohttpResponse
from gateway.web.buffered_response import BufferedResponse
from gateway.web.collected_body import collected_body
from gateway.web.filtered_response import FilteredResponse, filtered_answer
from gateway.web.proxy_services import EXCHANGE, ProxyServices
from gateway.web.request_body import ContinueSignal, expects_continue, is_chunked, upload
from gateway.web.response_writer import token_end


def proxy_handler(services: ProxyServices) -> object:
    """Answers what none of the gateway's own endpoints answers."""

    async def proxied(request: web.Request) -> web.StreamResponse:
        exchange = request[EXCHANGE]
        answer = max_forwards_response(exchange.request, exchange.route.methods)
        if answer is None:
            sent = await _forwarded(request, exchange, services)
            if not isinstance(sent, Response):
                return sent
            answer = sent
            if exchange.route.pipeline.on_stream:
                answer = filtered_answer(exchange, answer)
        return await send_response(request, answer, exchange.added_response_headers, services.clock())

    return proxied


async def _forwarded(
    request: web.Request, exchange: Exchange, services: ProxyServices
) -> web.StreamResponse | Response:
    """Sends the request upstream; a plugin's response in its place."""
    body: AsyncIterator[bytes] | bytes | None = None
    if exchange.route.pipeline.request_body:
        collected = await collected_body(request, exchange, services)
        if isinstance(collected, Response):
            return collected
        body = collected
    # A body that has been collected has been asked for, and its request expects nothing any more.
    signal = ContinueSignal(connection_of(request).write) if expects_continue(exchange.request) else None
    if body is None:
        body = _body(request, exchange, services, signal)
    whole = body if isinstance(body, bytes) else b""
    streamed = None if isinstance(body, bytes) else body
    asked = asked_upgrade(exchange.request)
    framing = _framing(exchange, streamed, asked, expects=signal is not None)
    wanted: UpstreamRequest | Response = await settled(forward(exchange, whole, framing=framing))
    if not isinstance(wanted, UpstreamRequest):
        return wanted
    try:
        return await _exchanged(request, services, wanted, streamed, asked, signal)
    except UpstreamError:
        hooks = exchange.route.pipeline.on_failure
        answer = await settled(run_hooks(hooks, exchange)) if hooks else None
        if answer is None:
            raise
        return answer


def _body(
    request: web.Request, exchange: Exchange, services: ProxyServices, signal: ContinueSignal | None
) -> AsyncIterator[bytes] | bytes | None:
    """The request's body as it goes upstream: None where there is none, bytes where all has arrived."""
    limit = services.max_body if exchange.max_body is None else exchange.max_body
    body = upload(request, exchange.request, limit, services.min_data_rate, signal)
    if isinstance(body, bytes) and is_chunked(exchange.request):
        return one_chunk(body)
    return body


def _framing(
    exchange: Exchange, streamed: AsyncIterator[bytes] | None, asked: bytes | None, *, expects: bool
) -> RequestFraming:
    chunked = is_chunked(exchange.request)
    line = CHUNKED if chunked else b"" if asked is None else upgrade_lines(asked)
    # RFC 9110 section 10.1.1: whether the body is wanted is for the upstream to say. What is here already
    # goes with the head.
    expects = expects and streamed is not None
    if expects:
        line += EXPECT_LINE
    return RequestFraming(line, streamed is not None, chunked, asked is not None, expects)


async def _exchanged(
    request: web.Request,
    services: ProxyServices,
    wanted: UpstreamRequest,
    streamed: AsyncIterator[bytes] | None,
    asked: bytes | None,
    signal: ContinueSignal | None,
) -> web.StreamResponse:
    """Sends the request, and writes the response as it comes. Raises where there is none."""
    exchange, connection = request[EXCHANGE], connection_of(request)
    keep_alive, told = request.keep_alive, None if streamed is None else signal
    pipeline = exchange.route.pipeline
    if hooks := pipeline.response_body:
        response: AiohttpResponse = BufferedResponse(
            services, exchange, connection, keep_alive=keep_alive, signal=told, hooks=hooks
        )
    else:
        kind = FilteredResponse if pipeline.on_stream else AiohttpResponse
        response = kind(services, exchange, connection, keep_alive=keep_alive, signal=told)
    connection.control_flow_of(response)
    try:
        await response.begin(wanted, streamed)
        if response.tunnel is not None and asked is not None:
            return await _tunnel(request, services, response, asked)
    finally:
        connection.control_flow_of(None)
        response.close()
    sent = response.sent()
    if sent.keep_alive:
        await connection.drain()
    return sent


async def _tunnel(
    request: web.Request, services: ProxyServices, response: AiohttpResponse, asked: bytes
) -> AlreadySentResponse:
    """RFC 9110 section 7.8: after 101 the connection belongs to the other protocol."""
    exchange, connection, tunnel = request[EXCHANGE], connection_of(request), response.tunnel
    assert tunnel is not None  # noqa: S101 (for mypy: `_exchanged` has made sure)
    assert response.upgraded_head is not None  # noqa: S101 (for mypy: it comes with the tunnel)
    agreed = upgraded_headers(response.upgraded_head, asked)
    pipeline = exchange.route.pipeline
    exchange.response = seen = head_for_plugins(
        with_public_urls(response.upgraded_head, exchange),
        pipeline.head_only_on_response,
        exchange.added_response_headers,
    )
    await settled(run_hooks(pipeline.on_response, exchange))
    seen.headers += agreed + chosen_protocol(exchange.request, exchange.route, seen.headers)
    connection.write(response_head(seen, NO_BODY, keep_alive=True, version=(1, 1)))
    relay = TunnelRelay(connection, tunnel, FrameFollower() if asked.lower() == b"websocket" else None)
    tunnel.give_to(relay)
    connection.become_tunnel(relay)
    try:
        carried = await relay.run(token_end(exchange, services))
    except asyncio.CancelledError:
        if connection.connected:
            raise
        # The client has closed the tunnel, which is how tunnels end.
        carried = 0
    return AlreadySentResponse(seen.status, carried, keep_alive=False)
