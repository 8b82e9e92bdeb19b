"""One connection to an upstream: one exchange at a time, kept alive between them (RFC 9112 section 9)."""

from __future__ import annotations

import asyncio

from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow
from gateway.upstream.link import Link, Owner
from gateway.upstream.parser import ResponseParser
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.settings import PoolSettings, Timeouts
from gateway.upstream.sink import Framing, Sink


class UpstreamConnection(Link):
    """Sends a request's bytes as they are given and tells a `Sink` what comes back.

    Just before the last call to the sink the connection goes back to its owner, so that the next exchange
    may already begin on it.
    """

    __slots__ = (
        "_chunked",
        "_parser",
        "_reading_paused",
        "_sink",
        "_timeouts",
        "_tunnel",
        "_upload_done",
        "answered",
        "served",
        "writing_paused",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Owner, settings: PoolSettings) -> None:
        super().__init__(loop, owner, settings)
        self._parser = ResponseParser()
        self._sink: Sink | None = None
        self._timeouts = Timeouts()
        self._chunked = self._tunnel = self._reading_paused = False
        self._upload_done = True
        self.writing_paused = False
        """The upstream takes no bytes for now."""
        self.answered = False
        """A byte of an answer to the current (or last) request has come."""
        self.served = 0
        """Requests sent on it, the current one included."""

    # The exchange, as the caller drives it.

    def send(self, sink: Sink, request: UpstreamRequest) -> None:
        """Begins an exchange: the request's head goes out as it is, and `sink` hears of the answer.

        Where a body follows, `write` and `write_end` give it.
        """
        self._sink = sink
        self._timeouts = request.timeouts
        self._chunked = request.chunked
        self._upload_done = not request.body_follows
        self.answered = False
        self.served += 1
        self._parser.expect(to_head=request.method == "HEAD", upgrade=request.upgrade)
        self._transport.write(request.head)
        self._await_head()

    def write(self, data: bytes) -> None:
        """The next piece of the request's body, or of a tunnel's bytes."""
        if not data or not self._alive():
            return
        if self._chunked and not self._tunnel:
            self._transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
        else:
            self._transport.write(data)
        self._keep_waiting()

    def write_end(self) -> None:
        """The request's body is complete: from now on the upstream's time for an answer runs."""
        if self._upload_done or not self._alive():
            return
        self._upload_done = True
        if self._chunked:
            self._transport.write(b"0\r\n\r\n")
        if self._parser.head is None:
            self._await_head()

    def pause_reading(self) -> None:
        """Takes no more of the answer for now: the one it is for is slow."""
        if not self._reading_paused and self._alive():
            self._reading_paused = True
            self._transport.pause_reading()
            self._deadline.clear()

    def resume_reading(self) -> None:
        """Takes the answer again."""
        if self._reading_paused and self._alive():
            self._reading_paused = False
            self._transport.resume_reading()
            self._keep_waiting()

    def abort(self) -> None:
        """Ends the exchange and the connection at once; the sink hears nothing more."""
        self._sink = None
        self.discard()

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        """Bytes from the upstream."""
        sink = self._sink
        if sink is None:
            # Bytes that nobody asked for: whatever they are, they must not become the next answer.
            self.discard()
            return
        self.answered = True
        if self._tunnel:
            self._keep_waiting()
            sink.on_data(data)
            return
        parser = self._parser
        fresh = parser.head is None
        parser.feed(data)
        for interim in parser.take_informational():
            sink.on_informational(interim)
            if self._sink is not sink:
                return
        if fresh and parser.complete:
            self._deliver_whole(sink)
        else:
            self._deliver(sink, fresh=fresh)

    def eof_received(self) -> None:
        """The upstream has sent its last byte."""
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._ended(exc)

    def pause_writing(self) -> None:
        """The transport's buffer is full: the upstream must go on reading."""
        self.writing_paused = True
        if self._sink is not None:
            if not self._upload_done and self._parser.head is None:
                self._deadline.after(self._timeouts.idle)
            self._sink.pause_writing()

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        self.writing_paused = False
        if self._sink is not None:
            if self._parser.head is None:
                self._await_head()
            self._sink.resume_writing()

    # How an exchange goes on and ends.

    def _alive(self) -> bool:
        # A transport that is closing raises on some event loops where others say nothing.
        return self._sink is not None and not self._transport.is_closing()

    def _await_head(self) -> None:
        if self._upload_done:
            self._deadline.after(self._timeouts.response)
        else:  # the upstream is not late while the body is still on its way to it
            self._deadline.clear()

    def _keep_waiting(self) -> None:
        if self._parser.head is not None and not self._reading_paused:
            self._deadline.after(self._timeouts.idle)

    def _deliver_whole(self, sink: Sink) -> None:
        parser = self._parser
        head, framing, body, trailers = parser.head, parser.framing, parser.take_body(), parser.trailers
        self._settle()
        if head is not None:
            sink.on_whole(head, framing, body, trailers)

    def _deliver(self, sink: Sink, *, fresh: bool) -> None:
        parser = self._parser
        if fresh and parser.head is not None:
            self._tunnel = parser.framing is Framing.UPGRADE
            sink.on_head(parser.head, parser.framing)
        body = parser.take_body()
        if body and self._sink is sink:
            sink.on_data(body)
        if self._sink is not sink:
            return
        if parser.error is not None:
            self.fail(parser.error)
        elif parser.complete:
            trailers = parser.trailers
            self._settle()
            sink.on_end(trailers)
        else:
            self._keep_waiting()

    def _settle(self) -> None:
        """The answer is complete: keeps the connection if both sides are at a message's end."""
        self.resume_reading()
        self._sink = None
        # RFC 9112 section 9.3: an answer that came before the request had ended leaves the rest unread.
        if self._parser.reusable and self._upload_done:
            self.make_idle()
        else:
            self.discard()

    def _ended(self, cause: Exception | None) -> None:
        sink = self._sink
        if sink is None:
            self.discard()
        elif self._tunnel:
            self.abort()
            sink.on_end([])
        elif cause is not None:
            self.fail(UpstreamBroken(f"connection lost: {cause}"))
        else:
            self._parser.finish()
            self._deliver(sink, fresh=False)

    def _expired(self) -> None:
        if self._sink is None:
            self.discard()
        elif self._parser.head is None and self._upload_done:
            self.fail(UpstreamSlow(f"no answer within {self._timeouts.response:g} s"))
        else:
            self.fail(UpstreamSlow(f"silent for {self._timeouts.idle:g} s"))

    def fail(self, error: UpstreamError) -> None:
        """Ends the exchange and the connection at once, and tells the sink why."""
        sink = self._sink
        self.abort()
        if sink is not None:
            sink.on_error(error)
