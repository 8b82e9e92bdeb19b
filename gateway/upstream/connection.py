"""One connection to an upstream: one exchange at a time, kept alive between them (RFC 9112 section 9)."""

from __future__ import annotations

import asyncio

from gateway.upstream.counted import CountedBody
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow
from gateway.upstream.link import Link, Owner
from gateway.upstream.parser import ResponseParser
from gateway.upstream.plain import read_plain
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.settings import PoolSettings
from gateway.upstream.sink import Framing, Sink


class UpstreamConnection(Link):
    """Sends a request's bytes as they are given and tells a `Sink` what comes back.

    Just before the last call to the sink the connection goes back to its owner, so that the next exchange
    may already begin on it.
    """

    __slots__ = (
        "_has_head",
        "_parser",
        "_reader",
        "_reading_paused",
        "_request",
        "_sink",
        "_tunnel",
        "_upload_done",
        "answered",
        "served",
        "writing_paused",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Owner, settings: PoolSettings) -> None:
        super().__init__(loop, owner, settings)
        self._parser = ResponseParser()
        self._reader: CountedBody | ResponseParser = self._parser
        self._sink: Sink | None = None
        self._request: UpstreamRequest
        self._tunnel = self._reading_paused = self._has_head = False
        self._upload_done = True
        self.writing_paused = False
        """The upstream takes no bytes for now."""
        self.answered = False
        """A byte of an answer to the current (or last) request has come."""
        self.served = 0
        """Requests sent on it, the current one included."""

    # The exchange, as the caller drives it.

    def send(self, sink: Sink, request: UpstreamRequest) -> None:
        """Sends a head as it is; `write` and `write_end` give a body behind it. `sink` hears the answer."""
        self._sink = sink
        self._request = request
        self._upload_done = not request.body_follows
        self.answered = self._has_head = False
        self.served += 1
        self._transport.write(request.head)
        self._await_head()

    def write(self, data: bytes) -> None:
        """The next piece of the request's body, or of a tunnel's bytes."""
        if not data or not self._alive():
            return
        if self._request.chunked and not self._tunnel:
            self._transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
        else:
            self._transport.write(data)
        self._keep_waiting()

    def write_end(self) -> None:
        """The request's body is complete: from now on the upstream's time for an answer runs."""
        if self._upload_done or not self._alive():
            return
        self._upload_done = True
        if self._request.chunked:
            self._transport.write(b"0\r\n\r\n")
        if not self._has_head:
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
        elif self.answered:
            self._read_on(sink, data)
        else:
            self.answered = True
            to_head = self._request.method == "HEAD"
            found = None if to_head else read_plain(data)
            if found is None:
                self._reader = self._parser
                self._parser.expect(to_head=to_head, upgrade=self._request.upgrade)
                self._read_on(sink, data)
                return
            head, body = found
            if len(body) == head.length:
                # Most answers are whole, and need no reader.
                self._settle(reusable=True)
                sink.on_whole(head, CountedBody.framing, body, [])
            else:
                self._reader = CountedBody(head, body)
                self._tell(sink)

    def _read_on(self, sink: Sink, data: bytes) -> None:
        if self._tunnel:
            self._keep_waiting()
            sink.on_data(data)
            return
        self._reader.feed(data)
        for interim in self._reader.take_informational():
            sink.on_informational(interim)
            if self._sink is not sink:
                return
        self._tell(sink)

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
            if not self._upload_done and not self._has_head:
                self._deadline.after(self._request.timeouts.idle)
            self._sink.pause_writing()

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        self.writing_paused = False
        if self._sink is not None:
            if not self._has_head:
                self._await_head()
            self._sink.resume_writing()

    # How an exchange goes on and ends.

    def _alive(self) -> bool:
        # A transport that is closing raises on some event loops where others say nothing.
        return self._sink is not None and not self._transport.is_closing()

    def _await_head(self) -> None:
        if self._upload_done:
            self._deadline.after(self._request.timeouts.response)
        else:  # the upstream is not late while the body is still on its way to it
            self._deadline.clear()

    def _keep_waiting(self) -> None:
        if self._has_head and not self._reading_paused:
            self._deadline.after(self._request.timeouts.idle)

    def _tell(self, sink: Sink) -> None:
        """Passes on what the reader has found."""
        reader = self._reader
        if reader.head is not None and not self._has_head:
            self._has_head = True
            if reader.complete:
                self._settle(reusable=reader.reusable)
                sink.on_whole(reader.head, reader.framing, reader.take_body(), reader.trailers)
                return
            self._tunnel = reader.framing is Framing.UPGRADE
            sink.on_head(reader.head, reader.framing)
        body = reader.take_body()
        if body and self._sink is sink:
            sink.on_data(body)
        if self._sink is not sink:
            return
        if reader.error is not None:
            self.fail(reader.error)
        elif reader.complete:
            self._settle(reusable=reader.reusable)
            sink.on_end(reader.trailers)
        else:
            self._keep_waiting()

    def _settle(self, *, reusable: bool) -> None:
        """The answer is complete: keeps the connection if both sides are at a message's end."""
        if self._reading_paused:
            self.resume_reading()
        self._sink = None
        # RFC 9112 section 9.3: an answer that came before the request had ended leaves the rest unread.
        if reusable and self._upload_done:
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
        elif not self.answered:
            self.fail(UpstreamBroken("closed before it answered"))
        else:
            self._reader.finish()
            self._tell(sink)

    def _expired(self) -> None:
        if self._sink is None:
            self.discard()
        elif not self._has_head and self._upload_done:
            self.fail(UpstreamSlow(f"no answer within {self._request.timeouts.response:g} s"))
        else:
            self.fail(UpstreamSlow(f"silent for {self._request.timeouts.idle:g} s"))

    def fail(self, error: UpstreamError) -> None:
        """Ends the exchange and the connection at once, and tells the sink why."""
        sink = self._sink
        self.abort()
        if sink is not None:
            sink.on_error(error)
