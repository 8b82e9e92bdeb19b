"""One request in the fast lane: what happens from its bytes to the last byte of its answer."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Protocol

from gateway.exchange import Answer, Exchange, Headers, Peer, ResponseHead
from gateway.faults import BODY_TOO_LARGE, Fault
from gateway.oauth.bearer import Refusal, judge
from gateway.oauth.values import TokenFacts
from gateway.proxy.answers import answer_bytes, fault_answer
from gateway.proxy.destination import hash_key, settle
from gateway.proxy.framing import (
    Body,
    answer_framing,
    answer_head,
    chunk,
    informational_head,
    last_chunk,
)
from gateway.proxy.headers import identity_lines, response_headers
from gateway.proxy.pipeline import forward_head, head_bytes, run_now
from gateway.proxy.plain import Plain
from gateway.proxy.routes import upstream_target
from gateway.upstream import Upstream
from gateway.upstream.call import Call
from gateway.upstream.errors import UpstreamError
from gateway.upstream.sink import Framing
from gateway.web.bearer import refused
from gateway.web.desk import ProxyDesk
from gateway.web.faults import as_fault
from gateway.web.ledger import CALLER_LEFT

log = logging.getLogger("gatepost")
_CONTINUE = 100


class Caller(Protocol):
    """The caller's connection, as far as the lane needs it."""

    @property
    def peer(self) -> Peer:
        """Who holds its other end."""

    @property
    def closing(self) -> bool:
        """Whether the next answer is the last."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    def abort(self) -> None:
        """Breaks it off."""

    def lane_done(self, *, keep: bool) -> None:
        """The exchange is over; `keep`: the connection can be used again."""


class LaneExchange:
    """One request in the lane, from its bytes to the last byte of its answer: a sink of the upstream."""

    __slots__ = (
        "_began",
        "_call",
        "_caller",
        "_chunked",
        "_desk",
        "_exchange",
        "_keep",
        "_over",
        "_size",
        "_status",
    )

    def __init__(self, desk: ProxyDesk, exchange: Exchange, caller: Caller) -> None:
        self._desk = desk
        self._exchange = exchange
        self._caller = caller
        self._call: Call | None = None
        self._began = perf_counter()
        self._status = self._size = 0
        self._chunked = self._over = False
        self._keep = True
        """Whether the connection can be used after the answer, as its head says."""

    @property
    def over(self) -> bool:
        """Whether the answer is out."""
        return self._over

    def begin(self, plain: Plain, facts: TokenFacts | Refusal | None) -> None:
        """Goes through the phases until the upstream is asked, or an answer is there."""
        self._desk.ledger.telemetry.in_flight += 1
        try:
            answer = self._admit(plain, facts) or self._ask(plain)
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            self._refuse(error)
        else:
            if answer is not None:
                self._answer(answer, close=False)

    def _admit(self, plain: Plain, facts: TokenFacts | Refusal | None) -> Answer | None:
        exchange, desk = self._exchange, self._desk
        hooks, route = exchange.route.pipeline, exchange.route
        answer = run_now(hooks.on_request, exchange)
        if answer is not None:
            return answer
        if exchange.max_body is not None and len(plain.body) > exchange.max_body:
            raise Fault(BODY_TOO_LARGE, close=True)
        if route.protected:
            # A plugin may have found out who calls.
            facts = exchange.caller or facts
            refusal = (
                facts
                if isinstance(facts, Refusal)
                else judge(facts, route.scopes, route.audience, desk.clock())
            )
            if refusal is not None:
                raise refused(refusal, route, desk.realm)
            exchange.caller = facts if isinstance(facts, TokenFacts) else None
        return run_now(hooks.on_authorized, exchange)

    def _ask(self, plain: Plain) -> Answer | None:
        exchange = self._exchange
        settle(exchange)
        route = exchange.route
        hooks = route.pipeline.on_forward
        if hooks or route.host_header is not None:
            exchange.forward = forward_head(exchange)
            answer = run_now(hooks, exchange)
            if answer is not None:
                return answer
            wire = head_bytes(exchange.forward, b"")
        else:
            wire = self._plain_head(plain)
        upstream: Upstream = route.upstream
        try:
            self._call = upstream.begin(
                self,
                wire + plain.body if plain.body else wire,
                plain.method,
                key=hash_key(exchange),
                timeouts=upstream.settings.timeouts.for_one(exchange.patience),
            )
        except UpstreamError as error:
            self._desk.ledger.upstream_failed(exchange, error)
            raise
        return None

    def _plain_head(self, plain: Plain) -> bytes:
        """The same bytes that `forward_head` and `head_bytes` make, from what the block has ready."""
        exchange, block = self._exchange, plain.block
        lines = block.lines_with_token if exchange.route.forward_token else block.lines
        added = identity_lines(exchange.request, exchange.request_id, exchange.caller)
        target = upstream_target(exchange.route, exchange.request)
        return b"%s %s HTTP/1.1\r\n%s%s\r\n" % (plain.method.encode(), target, lines, added)

    # What the connection tells.

    def pause(self) -> None:
        """The caller takes no more for now."""
        if self._call is not None:
            self._call.pause_reading()

    def resume(self) -> None:
        """The caller takes more."""
        if self._call is not None:
            self._call.resume_reading()

    def caller_left(self) -> None:
        """Ends the exchange with the upstream at once."""
        if self._over:
            return
        if self._call is not None:
            self._call.abort()
        self._status = CALLER_LEFT
        self._finish(keep=False)

    # What the upstream tells.

    def on_informational(self, head: ResponseHead) -> None:
        """Passes a 1xx on."""
        if head.status != _CONTINUE:
            self._caller.write(informational_head(head))

    def on_whole(self, head: ResponseHead, framing: Framing, body: bytes, trailers: Headers) -> None:
        """The whole answer in one write."""
        start = self._head(head)
        if start is None:
            return
        self._size = len(body)
        if self._chunked:
            body = (chunk(body) if body else b"") + last_chunk(trailers)
        self._caller.write(start + body)
        self._finish(keep=self._keep)

    def on_head(self, head: ResponseHead, framing: Framing) -> None:
        """The answer begins."""
        start = self._head(head)
        if start is not None:
            self._caller.write(start)

    def on_data(self, data: bytes) -> None:
        """A piece of the body."""
        if self._over:
            return
        self._size += len(data)
        self._caller.write(chunk(data) if self._chunked else data)

    def on_end(self, trailers: Headers) -> None:
        """The answer is complete."""
        if self._over:
            return
        if self._chunked:
            self._caller.write(last_chunk(trailers))
        self._finish(keep=self._keep)

    def on_error(self, error: UpstreamError) -> None:
        """There is no complete answer; one that has begun is never made to look whole."""
        if self._over:
            return
        self._desk.ledger.upstream_failed(self._exchange, error)
        if self._exchange.response is None:
            self._refuse(error)
            return
        log.warning("upstream broke off in its answer: %s", error)
        self._caller.abort()
        self._finish(keep=False)

    def pause_writing(self) -> None:
        """The whole body went with the head."""

    def resume_writing(self) -> None:
        """As above."""

    def _head(self, head: ResponseHead) -> bytes | None:
        """The head as the caller gets it; None where a plugin has failed on it, and the answer is another."""
        exchange = self._exchange
        request = exchange.request
        framing = answer_framing(request.method, request.version, head)
        head.headers = response_headers(head.headers) + exchange.answer_headers
        exchange.response = head
        try:
            run_now(exchange.route.pipeline.on_response, exchange)
        except Exception as error:  # as in begin
            if self._call is not None and not self._call.done:
                self._call.abort()
            self._refuse(error)
            return None
        self._keep = not self._caller.closing
        self._status = head.status
        self._chunked = framing.body is Body.CHUNKED
        return answer_head(head, framing, keep_alive=self._keep, version=request.version)

    def _refuse(self, error: Exception) -> None:
        fault = as_fault(error)
        if fault.kind.status == 500:  # noqa: PLR2004 (a fault of the gateway's own)
            log.error("request failed", exc_info=error)
        self._answer(fault_answer(fault, self._exchange.request_id), close=fault.close)

    def _answer(self, answer: Answer, *, close: bool) -> None:
        exchange = self._exchange
        request = exchange.request
        self._status, self._size = answer.status, len(answer.body)
        self._keep = not (close or self._caller.closing)
        self._caller.write(
            answer_bytes(
                answer,
                exchange.answer_headers,
                method=request.method,
                version=request.version,
                keep_alive=self._keep,
                now=self._desk.clock(),
            )
        )
        self._finish(keep=self._keep)

    def _finish(self, *, keep: bool) -> None:
        self._over = True
        exchange, ledger = self._exchange, self._desk.ledger
        ledger.telemetry.in_flight -= 1
        if exchange.route.pipeline.on_finish:
            try:
                run_now(exchange.route.pipeline.on_finish, exchange)
            except Exception:
                # The answer is out: all that is left is to say so.
                log.exception("a plugin failed in on_finish")
        ledger.exchange(exchange, self._status, self._size, perf_counter() - self._began)
        self._caller.lane_done(keep=keep)
