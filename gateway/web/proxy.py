"""The handler of proxied routes: sends the request upstream and its answer back, as it comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web

from gateway.exchange import Exchange, RequestHead, ResponseHead
from gateway.oauth.bearer import Refusal
from gateway.proxy.destination import hash_key, settle
from gateway.proxy.framing import (
    NO_BODY,
    Body,
    Framing,
    answer_framing,
    answer_head,
    chunk,
    informational_head,
    last_chunk,
)
from gateway.proxy.max_forwards import last_hop_answer
from gateway.proxy.pipeline import forward_head, head_bytes, presented_token, run
from gateway.proxy.relay import shown
from gateway.proxy.upgrade import asked_upgrade, upgrade_lines, upgraded_headers
from gateway.upstream.errors import UpstreamError
from gateway.upstream.stream import UpstreamResponse
from gateway.web.desk import EXCHANGE, ProxyDesk
from gateway.web.owner import connection_of
from gateway.web.sent import SentResponse, send_answer
from gateway.web.tunnel import carry, forever, while_token_lives
from gateway.web.upload import is_chunked, upload

log = logging.getLogger("gatepost")
CONTINUE_STATUS = 100
"""The gateway answers Expect itself: an upstream's 100 says nothing to the caller."""
_CHUNKED = b"Transfer-Encoding: chunked\r\n"


def proxy_handler(desk: ProxyDesk) -> object:
    """Answers what no endpoint of the gateway's own answers."""

    async def proxied(request: web.Request) -> web.StreamResponse:
        exchange = request[EXCHANGE]
        answer = last_hop_answer(exchange.request, exchange.route.methods)
        if answer is not None:
            return await send_answer(request, answer, exchange.answer_headers, desk.clock())
        settle(exchange)
        exchange.forward = forward_head(exchange)
        answer = await run(exchange.route.pipeline.on_forward, exchange)
        if answer is not None:
            return await send_answer(request, answer, exchange.answer_headers, desk.clock())
        asked = asked_upgrade(exchange.request)
        try:
            response = await _ask_upstream(request, exchange, desk, asked)
        except UpstreamError as error:
            desk.ledger.upstream_failed(exchange, error)
            raise
        try:
            if response.upgraded is not None and asked is not None:
                return await _tunnel(request, exchange, response, asked, desk)
            return await _pass_on(request, exchange, response, desk)
        finally:
            response.close()

    return proxied


async def _pass_on(
    request: web.Request, exchange: Exchange, response: UpstreamResponse, desk: ProxyDesk
) -> web.StreamResponse:
    head = exchange.request
    framing = answer_framing(head.method, head.version, response.head)
    seen = await _see_response(exchange, response)
    delivery = _Delivery(request, head, response, seen, framing)
    try:
        return await delivery.deliver()
    except UpstreamError as error:
        desk.ledger.upstream_failed(exchange, error)
        log.warning("upstream broke off in its answer: %s", error)
        return delivery.break_off()


async def _see_response(exchange: Exchange, response: UpstreamResponse) -> ResponseHead:
    """What came back, as the plugins and the caller get it."""
    pipeline = exchange.route.pipeline
    seen = shown(response.head, pipeline.response_by_head, exchange.answer_headers)
    exchange.response = seen
    await run(pipeline.on_response, exchange)
    return seen


async def _tunnel(
    request: web.Request, exchange: Exchange, response: UpstreamResponse, asked: bytes, desk: ProxyDesk
) -> SentResponse:
    """RFC 9110 section 7.8: after 101 the connection belongs to the other protocol."""
    connection = connection_of(request)
    agreed = upgraded_headers(response.head, asked)
    seen = await _see_response(exchange, response)
    seen.headers += agreed
    tunnel = response.upgraded
    assert tunnel is not None  # noqa: S101 (for mypy: the caller has made sure)
    stream = connection.become_tunnel()
    connection.write(answer_head(seen, NO_BODY, keep_alive=True, version=(1, 1)))
    try:
        carried = await carry(connection, stream, tunnel, _end_of_tunnel(exchange, desk))
    except asyncio.CancelledError:
        if connection.connected:
            raise
        # The caller has closed the tunnel, which is how tunnels end.
        carried = 0
    return SentResponse(seen.status, carried, keep_alive=False)


def _end_of_tunnel(exchange: Exchange, desk: ProxyDesk) -> Callable[[], Awaitable[None]]:
    route, presented = exchange.route, presented_token(exchange.request)
    if not route.end_with_token or isinstance(presented, Refusal):
        return forever
    return lambda: while_token_lives(lambda: desk.find_token(presented.token, route.issuers), desk.clock)


async def _ask_upstream(
    request: web.Request, exchange: Exchange, desk: ProxyDesk, asked: bytes | None
) -> UpstreamResponse:
    head, forward = exchange.request, exchange.forward
    assert forward is not None  # noqa: S101 (for mypy: the caller has set it)
    connection = connection_of(request)
    chunked = is_chunked(head)
    limit = desk.max_body if exchange.max_body is None else exchange.max_body
    body = upload(request, head, limit, desk.patience)
    lines = _CHUNKED if chunked else b"" if asked is None else upgrade_lines(asked)

    def inform(early: ResponseHead) -> None:
        if head.version >= (1, 1) and early.status != CONTINUE_STATUS:
            connection.write(informational_head(early))

    upstream = exchange.route.upstream
    fetched = await upstream.fetch(
        head_bytes(forward, lines),
        method=forward.method,
        body=body,
        chunked=chunked,
        upgrade=asked is not None,
        timeouts=upstream.settings.timeouts.for_one(exchange.patience),
        key=hash_key(exchange),
        on_informational=inform,
    )
    return cast(UpstreamResponse, fetched)


class _Delivery:
    """One answer on its way to the caller."""

    def __init__(
        self,
        request: web.Request,
        head: RequestHead,
        response: UpstreamResponse,
        seen: ResponseHead,
        framing: Framing,
    ) -> None:
        self._response = response
        self._status = seen.status
        self._connection = connection_of(request)
        self._chunked = framing.body is Body.CHUNKED
        self._ends_by_closing = framing.must_close
        self._keep_alive = request.keep_alive and not framing.must_close
        self._pending = answer_head(seen, framing, keep_alive=self._keep_alive, version=head.version)
        self._size = 0

    async def deliver(self) -> SentResponse:
        """Sends head and body.

        Raises:
            UpstreamError: the body broke off.
        """
        await self._send_body()
        return SentResponse(self._status, self._size, keep_alive=self._keep_alive)

    def break_off(self) -> SentResponse:
        """Ends the connection: a body that broke off is never made to look whole."""
        if self._ends_by_closing:
            self._connection.reset()
        else:
            self._connection.abort()
        return SentResponse(self._status, self._size, keep_alive=False)

    async def _send_body(self) -> None:
        whole = self._response.take_whole()
        if whole is not None:
            self._add(whole)
        else:
            async for data in self._response:
                self._add(data)
                await self._flush()
        if self._chunked:
            self._pending += last_chunk(self._response.trailers)
        await self._flush()

    def _add(self, data: bytes) -> None:
        if data:
            self._size += len(data)
            self._pending += chunk(data) if self._chunked else data

    async def _flush(self) -> None:
        data, self._pending = self._pending, b""
        if data:
            self._connection.write(data)
            await self._connection.drain()
