"""The answer of one request in the fast lane: a sink of the upstream that writes to the caller."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Protocol

from gateway.exchange import Answer, Exchange, Headers, Peer, ResponseHead
from gateway.plain_head import PlainHead
from gateway.proxy.answers import answer_bytes, fault_answer
from gateway.proxy.framing import (
    Body,
    answer_framing,
    answer_head,
    chunk,
    informational_head,
    last_chunk,
)
from gateway.proxy.pipeline import run_now
from gateway.proxy.refused import Prepared
from gateway.proxy.relay import changed, relayed, shown
from gateway.upstream.call import Call
from gateway.upstream.errors import UpstreamError
from gateway.upstream.sink import Framing
from gateway.web.desk import ProxyDesk
from gateway.web.faults import logged_fault

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

    def close_after(self) -> None:
        """The next answer is to be the last."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    def abort(self) -> None:
        """Breaks it off."""

    def lane_done(self, *, keep: bool) -> None:
        """The exchange is over; `keep`: the connection can be used again."""


class LaneAnswer:
    """Writes what the upstream answers, or what the gateway answers itself, and notes it once it is out."""

    __slots__ = (
        "_began",
        "_call",
        "_caller",
        "_chunked",
        "_desk",
        "_exchange",
        "_keep",
        "_size",
        "_status",
        "over",
    )

    def __init__(self, desk: ProxyDesk, exchange: Exchange, caller: Caller) -> None:
        self._desk = desk
        self._exchange = exchange
        self._caller = caller
        self._call: Call | None = None
        self._began = perf_counter()
        self._status = self._size = 0
        self._chunked = False
        self._keep = True
        """Whether the connection can be used after the answer, as its head says."""
        self.over = False
        """Whether the answer is out."""

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
        if self.over:
            return
        self._size += len(data)
        self._caller.write(chunk(data) if self._chunked else data)

    def on_end(self, trailers: Headers) -> None:
        """The answer is complete."""
        if self.over:
            return
        if self._chunked:
            self._caller.write(last_chunk(trailers))
        self._finish(keep=self._keep)

    def on_error(self, error: UpstreamError) -> None:
        """There is no complete answer; one that has begun is never made to look whole."""
        if self.over:
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
        self._keep = not self._caller.closing
        self._status = head.status
        pipeline, added = exchange.route.pipeline, exchange.answer_headers
        by_head = pipeline.response_by_head
        plain = head if isinstance(head, PlainHead) and request.method != "HEAD" else None
        try:
            if plain is not None and not pipeline.sees_answers:
                exchange.response = plain
                self._status, start = relayed(plain, by_head, added, keep_alive=self._keep)
                return start
            exchange.response = seen = shown(head, by_head, added)
            run_now(pipeline.on_response, exchange)
        except Exception as error:  # as in begin
            if self._call is not None and not self._call.done:
                self._call.abort()
            self._refuse(error)
            return None
        self._status = seen.status
        if plain is not None:
            return changed(plain, seen, keep_alive=self._keep)
        framing = answer_framing(request.method, request.version, head)
        self._chunked = framing.body is Body.CHUNKED
        return answer_head(seen, framing, keep_alive=self._keep, version=request.version)

    def _refuse(self, error: Exception) -> None:
        fault = logged_fault(error)
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

    def _turn_away(self, answer: Prepared) -> None:
        exchange = self._exchange
        body = answer.body(exchange.request_id)
        self._status, self._size = answer.status, len(body)
        self._keep = not self._caller.closing
        extra, now = exchange.answer_headers, self._desk.clock()
        self._caller.write(answer.message(body, extra, keep_alive=self._keep, now=now))
        self._finish(keep=self._keep)

    def _finish(self, *, keep: bool) -> None:
        self.over = True
        # The two know each other: without this, only the garbage collector would find them.
        self._call = None
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
