"""One connection to an upstream: one request at a time, kept open between them (RFC 9112 section 9).

Its states and what leads from one to the next are in `gateway.upstream.connection_state`.
"""

from __future__ import annotations

import asyncio
import os
import select
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from gateway.runtime.compilation import mypyc_attr
from gateway.upstream.connection_state import (
    AWAITING_RESPONSE,
    CLOSED,
    CONTINUED,
    IDLE,
    READING_BODY,
    READING_HEAD,
    TUNNEL,
)
from gateway.upstream.content_length_body import ContentLengthBody
from gateway.upstream.deadline import Deadline
from gateway.upstream.errors import ClosedBeforeResponse, UpstreamBroken, UpstreamError, UpstreamSlow
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.response_handler import CONTINUE, ResponseHandler, UpstreamFraming
from gateway.upstream.response_parser import ResponseParser
from gateway.upstream.settings import PoolSettings
from gateway.upstream.simple_response import read_plain
from gateway.upstream.tls import cut_short

_NO_HEAD_YET: Final = (AWAITING_RESPONSE, CONTINUED, READING_HEAD)
_PIECE: Final = 65_536
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class PoolListener(Protocol):
    """Keeps connections, and is told what becomes of them."""

    def released(self, connection: Any) -> None:
        """It is idle."""

    def closed(self, connection: Any, idle_for: float | None = None) -> None:
        """It is closed. Called once. `idle_for`: seconds that it was idle, if the upstream closed it then."""


@mypyc_attr(allow_interpreted_subclasses=True)
class UpstreamConnection(asyncio.Protocol):
    """Sends a request's bytes as they are given and tells a `ResponseHandler` what comes back.

    Just before the handler's last call the connection goes back to its pool, so that the next request may
    already begin on it.
    """

    __slots__ = (
        "_deadline",
        "_handler",
        "_idle_timeout",
        "_loop",
        "_old_from",
        "_parser",
        "_poll",
        "_pool",
        "_reader",
        "_reading_paused",
        "_request",
        "_request_complete",
        "_transport",
        "idle_since",
        "requests",
        "state",
        "writing_paused",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: PoolListener, settings: PoolSettings) -> None:
        self._loop = loop
        self._pool = pool
        self._idle_timeout = settings.keep_alive
        self._old_from = loop.time() + settings.lifetime
        self._deadline: Deadline
        self._parser = ResponseParser(settings.head_limit)
        self._reader: ContentLengthBody | ResponseParser = self._parser
        self._handler: ResponseHandler | None = None
        self._request: UpstreamRequest
        self._transport: asyncio.Transport
        self._poll: select.poll | None = None
        self._request_complete = True
        self._reading_paused = False
        self.state = IDLE
        self.writing_paused = False
        """The upstream takes no bytes for now."""
        self.requests = 0
        """Requests sent on it, the current one included."""
        self.idle_since = 0.0
        """When it last became idle, by the loop's clock."""

    # What the pool asks.

    @property
    def open(self) -> bool:
        """It can still carry something."""
        return self.state is not CLOSED and not self._transport.is_closing()

    @property
    def reused(self) -> bool:
        """The current request is not the first on it."""
        return self.requests > 1

    def usable(self) -> bool:
        """Whether a request can go on it: it is open, and at this moment there is nothing to read.

        On an idle connection that would be the upstream's close, which the loop has not come to yet, or bytes
        that no request asked for. With TLS it may also be a session ticket. It costs a system call.
        """
        if self.state is CLOSED or self._transport.is_closing():
            return False
        poll = self._poll
        if poll is None:
            poll = self._poll = select.poll()
            poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def keep(self) -> bool:
        """Waits for the next request, for a while. Closes and returns False where it is of no further use."""
        now = self._loop.time()
        if self.state is not IDLE or now >= self._old_from or self._transport.is_closing():
            self.discard()
            return False
        self.idle_since = now
        self._deadline.at(now + self._idle_timeout)
        return True

    # The request, as the client's side drives it.

    def send(self, handler: ResponseHandler, request: UpstreamRequest) -> None:
        """Sends a head as it is; `write` and `write_end` give a body behind it."""
        self._handler, self._request = handler, request
        self._request_complete = not request.body_follows
        self.state = AWAITING_RESPONSE
        self.requests += 1
        self._transport.write(request.head)
        self._await_head()

    def write(self, data: bytes) -> None:
        """The next piece of the request's body, or of a tunnel's bytes."""
        # As `_in_use`, and below as `_extend_idle_timeout`: each message of a tunnel comes here.
        if not data or self._handler is None or self._transport.is_closing():
            return
        if self._request.chunked and self.state is not TUNNEL:
            # One `write`, not `writelines`: in some releases of Python 3.12 and 3.13 the latter fills the
            # buffer and never pauses the writer (CVE-2024-12254).
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        else:
            self._transport.write(data)
        if not self._reading_paused and self.state not in _NO_HEAD_YET:
            self._deadline.after(self._request.timeouts.idle)

    def write_end(self) -> None:
        """The request's body is complete: from now on the upstream's time for a response runs.

        In a tunnel: no more bytes follow. What the upstream still sends is read on.
        """
        if self.state is TUNNEL and self._in_use():
            self._transport.write_eof()
            return
        if self._request_complete or not self._in_use():
            return
        self._request_complete = True
        if self._request.chunked:
            self._transport.write(b"0\r\n\r\n")
        if self.state in _NO_HEAD_YET:
            self._await_head()

    def pause_reading(self) -> None:
        """Reads no more of the response for now: the client is slow."""
        if not self._reading_paused and self._in_use():
            self._reading_paused = True
            self._transport.pause_reading()
            self._deadline.clear()

    def resume_reading(self) -> None:
        """Reads the response again."""
        if self._reading_paused and self._in_use():
            self._reading_paused = False
            self._transport.resume_reading()
            self._extend_idle_timeout()

    def abort(self) -> None:
        """Ends request and connection at once; the handler gets no further call."""
        self._handler = None
        self.discard()

    def fail(self, error: UpstreamError) -> None:
        """Ends request and connection at once, and gives the handler the reason."""
        handler = self._handler
        self.abort()
        if handler is not None:
            handler.on_error(error)

    def discard(self, idle_for: float | None = None) -> None:
        """Closes the connection and tells the pool, once."""
        if self.state is CLOSED:
            return
        self.state = CLOSED
        self._deadline.close()  # else only the garbage collector would find this connection, or the parser
        self._parser.close()
        if not self._transport.is_closing():
            self._transport.abort()
        self._pool.closed(self, idle_for)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is established."""
        self._transport = cast("asyncio.Transport", transport)
        self._deadline = Deadline(self._loop, self._time_is_up)

    def data_received(self, data: bytes) -> None:
        """Bytes from the upstream."""
        handler, state = self._handler, self.state
        if handler is None:
            self.discard()
        elif state is READING_BODY:
            self._pass_on_body(handler, self._reader.read_body(data))
        elif state is TUNNEL:
            if not self._reading_paused:
                self._deadline.after(self._request.timeouts.idle)
            handler.on_data(data)
        elif state is READING_HEAD:
            self._read_head(handler, data)
        elif data == _CONTINUE:
            self.state = CONTINUED
            handler.on_informational(CONTINUE)
        else:
            self.state = READING_HEAD
            to_head = self._request.method == "HEAD"
            found = None if to_head else read_plain(data)
            if found is None:
                self._reader = self._parser
                self._parser.expect(to_head=to_head, upgrade=self._request.upgrade)
                self._read_head(handler, data)
                return
            head, body = found
            if len(body) == head.length:
                # Most responses arrive whole, and need no reader.
                self._message_complete(reusable=True)
                handler.on_whole(head, ContentLengthBody.framing, body, [])
                return
            if head.length is not None:
                self._reader = ContentLengthBody(head, head.length, body)
            else:
                self._reader = self._parser
                self._parser.expect_chunks(head, body)
            self._pass_on(handler)

    def _read_head(self, handler: ResponseHandler, data: bytes) -> None:
        self._reader.feed(data)
        for interim in self._reader.take_informational():
            handler.on_informational(interim)
            if self._handler is not handler:
                return
        self._pass_on(handler)

    def eof_received(self) -> bool:
        """The upstream has sent its last byte. Returns whether this end may still write: in a tunnel."""
        if self.state is TUNNEL and self.can_half_close and self._handler is not None:
            self._handler.on_data(b"")
            return self.state is TUNNEL
        self._closed_by_upstream(None)
        return False

    @property
    def can_half_close(self) -> bool:
        """Whether one direction can end before the other: not with TLS."""
        return self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if exc is not None and self._handler is not None:
            self._read_what_is_left()
        self._closed_by_upstream(exc)

    def _read_what_is_left(self) -> None:
        """A write may have failed before what came was read: a server that refuses a body says why, and
        closes without reading the rest (RFC 9112 section 9.6), which resets the connection.
        """
        if self._transport.get_extra_info("sslcontext") is not None:
            return  # its socket has no plain text
        socket = self._transport.get_extra_info("socket").fileno()
        with suppress(OSError):  # nothing is left, or the connection broke before that
            while data := os.read(socket, _PIECE):
                self.data_received(data)

    def pause_writing(self) -> None:
        """The transport's buffer is full: the upstream must read first."""
        self.writing_paused = True
        if self._handler is not None:
            if not self._request_complete and self.state in _NO_HEAD_YET:
                self._deadline.after(self._request.timeouts.idle)
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        self.writing_paused = False
        if self._handler is not None:
            if self.state in _NO_HEAD_YET:
                self._await_head()
            self._handler.resume_writing()

    # How a response goes on and ends.

    def _in_use(self) -> bool:
        # A transport that is closing raises on some event loops where others say nothing.
        return self._handler is not None and not self._transport.is_closing()

    def _await_head(self) -> None:
        if self._request_complete:
            self._deadline.at(self._loop.time() + self._request.timeouts.response)
        else:  # the upstream is not late while the body is still on its way to it
            self._deadline.clear()

    def _extend_idle_timeout(self) -> None:
        if self.state not in _NO_HEAD_YET and not self._reading_paused:
            self._deadline.after(self._request.timeouts.idle)

    def _pass_on(self, handler: ResponseHandler) -> None:
        """Gives the handler what the reader has found."""
        reader = self._reader
        if reader.head is not None and self.state is READING_HEAD:
            if reader.error is not None and not reader.has_body:
                # Nothing of the response is out: the client gets an error in its place.
                self.fail(reader.error)
                return
            if reader.complete:
                self._message_complete(reusable=reader.reusable)
                handler.on_whole(reader.head, reader.framing, reader.take_body(), reader.trailers)
                return
            self.state = TUNNEL if reader.framing is UpstreamFraming.UPGRADE else READING_BODY
            handler.on_head(reader.head, reader.framing)
        self._pass_on_body(handler, reader.take_body())

    def _pass_on_body(self, handler: ResponseHandler, body: bytes) -> None:
        if body and self._handler is handler:
            handler.on_data(body)
        if self._handler is not handler:
            return
        reader = self._reader
        if reader.error is not None:
            self.fail(reader.error)
        elif reader.complete:
            self._message_complete(reusable=reader.reusable)
            handler.on_end(reader.trailers)
        elif self.state is not READING_HEAD and not self._reading_paused:
            self._deadline.after(self._request.timeouts.idle)

    def _message_complete(self, *, reusable: bool) -> None:
        """The response is complete: keeps the connection if both sides are at a message's end."""
        if self._reading_paused:
            self.resume_reading()
        self._handler = None
        # RFC 9112 section 9.3: a response that came before the request had ended leaves the rest unread.
        if not reusable or not self._request_complete:
            self.discard()
            return
        self.state = IDLE
        if self.keep():
            self._pool.released(self)

    def _closed_by_upstream(self, cause: Exception | None) -> None:
        handler = self._handler
        if handler is None:
            self.discard(self._loop.time() - self.idle_since)
        elif self.state is TUNNEL:
            self.abort()
            handler.on_end([])
        elif self.state is AWAITING_RESPONSE:
            how = "closed" if cause is None else f"connection lost ({cause})"
            self.fail(ClosedBeforeResponse(f"{how} by upstream before a response"))
        elif cause is not None or self.state is CONTINUED:
            self.fail(UpstreamBroken(f"connection lost within a response: {cause or 'closed by upstream'}"))
        elif self._reader.framing is UpstreamFraming.CLOSE and cut_short(self._transport):
            self.fail(UpstreamBroken("closed by upstream without a close_notify of TLS within a response"))
        else:
            self._reader.finish()
            self._pass_on(handler)

    def _time_is_up(self) -> None:
        if self._handler is None:
            self.discard()
        elif self.state in _NO_HEAD_YET and self._request_complete:
            self.fail(UpstreamSlow(f"no response within {self._request.timeouts.response:g} s"))
        else:
            self.fail(UpstreamSlow(f"idle for {self._request.timeouts.idle:g} s"))
