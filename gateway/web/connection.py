"""A client connection: the fast lane and aiohttp take turns on it, and it may become a tunnel.

aiohttp's part, with its parser and its task, is made when a request first needs it. While the lane answers,
aiohttp sees nothing of the connection, and what comes before an answer is out waits here.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from gateway.faults import SLOW_REQUEST, Fault
from gateway.proxy.answers import answer_bytes, fault_answer
from gateway.proxy.arrival import check_request_line
from gateway.web.handler import Handler
from gateway.web.house import House, Terms
from gateway.web.intake import Intake
from gateway.web.lane import Going
from gateway.web.tunnel import CallerStream
from gateway.web.wire import Wire

HELD_LIMIT = 65_536
"""Bytes kept that come before an answer is out; from then on the caller is not read."""


class Connection(Wire):
    """One client connection, and whose turn it is."""

    __slots__ = (
        "_answered", "_closing", "_going", "_handler", "_head_since", "_held", "_house", "_idle_until",
        "_intake", "_lane_over", "_reads", "_stream", "_terms",
    )  # fmt: skip

    def __init__(self, house: House, terms: Terms, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(terms.overseer, loop)
        self._house = house
        self._terms = terms
        self._going: Going | None = None
        """What the lane answers now."""
        self._lane_over: asyncio.Future[None] | None = None
        self._handler: Handler | None = None
        self._intake: Intake | None = None
        self._reads = False
        """Whether aiohttp has a request, from its first byte to its last and that of its answer."""
        self._answered = False
        """Whether aiohttp's answer is out, though the request may still come."""
        self._head_since: float | None = None
        """Since when aiohttp waits for the rest of a head."""
        self._stream: CallerStream | None = None
        self._held = b""
        self._closing = False
        self._idle_until = loop.time() + terms.idle_timeout

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        """Bytes have come: for the tunnel, for the request that aiohttp has, or a new one."""
        if self._stream is not None:
            self._stream.feed(data)
        elif self._going is not None or (self._paused and not self._reads):
            # Who does not take the answers that there are gets no more of them.
            self._hold(data)
        elif self._reads:
            self._feed(data)
        elif self.transport is not None:
            self._begin(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._going is not None:
            self._going.pause()
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._going is not None:
            self._going.resume()
        if self._handler is not None:
            self._handler.resume_writing()
        if self._held and self._going is None and not self._reads:
            self._next()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._going is not None:
            self._going.caller_left()
        super().connection_lost(exc)
        if self._stream is not None:
            self._stream.end()
        # The two know each other. Like this neither waits for the garbage collector.
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.connection_lost(exc)

    # A request begins: in the lane, or with aiohttp.

    def _begin(self, data: bytes) -> None:
        lane = self._terms.lane
        if lane is not None:
            going = lane.take(data, self)
            if going is not None:
                self._going = None if going.over else going
                return
        try:
            check_request_line(data)
        except Fault as fault:
            self.refuse(fault)
            self.hang_up()
            return
        if self._intake is None:
            self._intake = Intake()
        self._intake.begin()
        self._reads, self._answered = True, False
        self._head_since = self._loop.time()
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        """Gives aiohttp what belongs to its request, and keeps the rest."""
        assert self._intake is not None  # noqa: S101 (for mypy: `_begin` has made it)
        handler = self._handler or self._first_need()
        share = self._intake.share(data)
        if share:
            handler.data_received(data if share == len(data) else data[:share])
        if share < len(data):
            self._hold(data[share:])
        if self._answered:
            self._settle(parsed=False)

    def _first_need(self) -> Handler:
        assert self.transport is not None  # noqa: S101 (for mypy: bytes have just come)
        self._handler = handler = self._house.handler(self)
        handler.connection_made(self.transport)
        if self._paused:
            handler.pause_writing()
        return handler

    def _hold(self, data: bytes) -> None:
        """Keeps what comes before the answer is out."""
        self._held += data
        if len(self._held) > HELD_LIMIT:
            self.pause()

    # What aiohttp's handler says.

    def begun(self) -> None:
        """The head is whole."""
        self._head_since = None
        self._reads, self._answered = True, False
        if self._intake is not None:
            self._intake.begun()

    def answered(self, request: web.BaseRequest, *, keep: bool) -> None:
        """The answer is out; `keep`: aiohttp would answer another one."""
        self._answered = True
        self._idle_until = self._loop.time() + self._terms.idle_timeout
        if keep and not self._closing:
            self._settle(parsed=request.content.is_eof())

    def _settle(self, *, parsed: bool) -> None:
        """Turns to what comes next, once aiohttp has done with the whole request."""
        handler, intake = self._handler, self._intake
        if handler is None or intake is None or handler.behind or not intake.whole(parsed=parsed):
            return
        self._reads = False
        self._next()

    # What the lane says.

    @property
    def closing(self) -> bool:
        """Whether the next answer is the last."""
        return self._closing or self._house.leaving

    def close_after(self) -> None:
        """The next answer is to be the last."""
        self._closing = True

    def lane_done(self, *, keep: bool) -> None:
        """The exchange in the lane is over."""
        self._going = None
        if self._lane_over is not None:
            self._lane_over.set_result(None)
            self._lane_over = None
        if keep and not self._closing:
            self._next()
        else:
            self.hang_up()

    def _next(self) -> None:
        """Waits for the next request, or begins with what has come of it."""
        self._idle_until = self._loop.time() + self._terms.idle_timeout
        if self._held:
            held, self._held = self._held, b""
            if len(held) > HELD_LIMIT:
                self.resume()
            self.data_received(held)

    # What ends it.

    def look(self, now: float) -> None:
        """Ends the connection where its caller takes too long to say anything, or to take its answer."""
        super().look(now)
        if self._head_since is not None:
            if now - self._head_since > self._terms.header_timeout:
                self._head_since = None
                self.refuse(Fault(SLOW_REQUEST, close=True))
                self.hang_up()
        elif now > self._idle_until and self._at_rest():
            self.hang_up()

    def _at_rest(self) -> bool:
        """Whether nothing is on its way, either way."""
        return self._going is None and self._stream is None and (self._answered or not self._reads)

    def become_tunnel(self) -> CallerStream:
        """From here on the caller's bytes are no HTTP: aiohttp sees no more of them."""
        self._stream = CallerStream(self, self._held)
        self._held = b""
        self.resume()
        return self._stream

    def refuse(self, fault: Fault) -> None:
        """Answers what is no request that can be read."""
        answer = fault_answer(fault, self._terms.new_id())
        now = self._terms.clock()
        self.write(answer_bytes(answer, [], method="GET", version=(1, 1), keep_alive=False, now=now))

    def close(self) -> None:
        """Closes when nothing is in flight any more."""
        self._closing = True
        if self._reads and not self._answered and self._handler is not None:
            self._handler.close()
        elif self._going is None and self._stream is None:
            self.hang_up()

    async def shutdown(self, timeout: float | None) -> None:  # noqa: ASYNC109 (as aiohttp's own)
        """Waits for what is in flight, up to `timeout` seconds; then ends it."""
        self._closing = True
        if self._going is not None:
            self._lane_over = self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self._lane_over)
        if self._going is not None:
            self._going.caller_left()
        if self._handler is not None:
            await self._handler.shutdown(timeout)
        self.hang_up()
