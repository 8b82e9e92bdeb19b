"""One request on its way to an upstream: picks a server, gets a connection, tries again where it is safe."""

from __future__ import annotations

from collections.abc import Callable

from gateway.exchange import Headers, ResponseHead
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamUnavailable
from gateway.upstream.server import Server
from gateway.upstream.settings import Timeouts
from gateway.upstream.sink import Framing, Sink

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""RFC 9110 section 9.2.2."""

Pick = Callable[[], Server]
"""Chooses a server. Raises UpstreamUnavailable."""


class Call:
    """A request and its handle: what the caller steers it by, and what connection and pool report to."""

    __slots__ = (
        "_body_follows",
        "_body_written",
        "_chunked",
        "_connection",
        "_head",
        "_method",
        "_pick",
        "_refreshed",
        "_server",
        "_sink",
        "_timeouts",
        "_upgrade",
        "done",
    )

    def __init__(
        self,
        sink: Sink,
        pick: Pick,
        timeouts: Timeouts,
        head: bytes,
        method: str,
        *,
        body_follows: bool,
        chunked: bool,
        upgrade: bool,
    ) -> None:
        self._sink = sink
        self._pick = pick
        self._timeouts = timeouts
        self._head = head
        self._method = method
        self._body_follows = body_follows
        self._chunked = chunked
        self._upgrade = upgrade
        self._body_written = False
        self._refreshed = False
        self._connection: UpstreamConnection | None = None
        self._server: Server | None = None
        self.done = False
        """The last call to the sink has been made, or the call was aborted."""

    # What the caller does.

    def begin(self) -> None:
        """Sends the request as soon as there is a connection: now, if one is free.

        Raises:
            UpstreamUnavailable: nobody to send it to; the sink hears nothing.
        """
        server = self._pick()
        connection = server.pool.take()
        if connection is None:
            server.pool.wait(self)
        self._server = server
        server.active += 1
        if connection is not None:
            self.on_connection(connection)

    def write(self, data: bytes) -> None:
        """The next piece of the request's body, after the sink's first `resume_writing`."""
        if self._connection is not None:
            self._body_written = True
            self._connection.write(data)

    def write_end(self) -> None:
        """The request's body is complete."""
        if self._connection is not None:
            self._connection.write_end()

    def pause_reading(self) -> None:
        """The caller can't take more of the answer for now."""
        if self._connection is not None:
            self._connection.pause_reading()

    def resume_reading(self) -> None:
        """The caller can take more."""
        if self._connection is not None:
            self._connection.resume_reading()

    def abort(self) -> None:
        """Ends the exchange at once, wherever it is; the sink hears nothing more."""
        connection, server = self._connection, self._server
        self._leave()
        self.done = True
        if connection is not None:
            connection.abort()
        elif server is not None:
            server.pool.leave(self)

    # What the pool tells.

    def on_connection(self, connection: UpstreamConnection) -> None:
        """The connection to use."""
        self._connection = connection
        connection.send(
            self,
            self._head,
            method=self._method,
            timeouts=self._timeouts,
            body_follows=self._body_follows,
            chunked=self._chunked,
            expects_upgrade=self._upgrade,
        )
        if self._body_follows and not connection.writing_paused:
            self._sink.resume_writing()

    def on_no_connection(self, error: UpstreamError) -> None:
        """No connection could be had."""
        self._finish()
        self._sink.on_error(error)

    # What the connection tells.

    def on_informational(self, head: ResponseHead) -> None:
        """Passes on a 1xx."""
        self._sink.on_informational(head)

    def on_whole(self, head: ResponseHead, framing: Framing, body: bytes, trailers: Headers) -> None:
        """Passes on a whole answer."""
        self._finish()
        self._sink.on_whole(head, framing, body, trailers)

    def on_head(self, head: ResponseHead, framing: Framing) -> None:
        """Passes on an answer's head."""
        self._sink.on_head(head, framing)

    def on_data(self, data: bytes) -> None:
        """Passes on content."""
        self._sink.on_data(data)

    def on_end(self, trailers: Headers) -> None:
        """Passes on an answer's end."""
        self._finish()
        self._sink.on_end(trailers)

    def on_error(self, error: UpstreamError) -> None:
        """Tries once more if the connection was stale and nothing is lost by it; else passes the error on."""
        if isinstance(error, UpstreamBroken) and self._was_stale() and self._refresh():
            return
        self._finish()
        self._sink.on_error(error)

    def pause_writing(self) -> None:
        """Passes on that the upstream is slow to take the body."""
        self._sink.pause_writing()

    def resume_writing(self) -> None:
        """Passes on that the upstream takes the body again."""
        self._sink.resume_writing()

    def _refresh(self) -> bool:
        """Asks the same server for a fresh connection, once."""
        server = self._server
        if server is None:
            return False
        self._refreshed = True
        self._connection = None
        self._sink.pause_writing()
        try:
            server.pool.wait(self)
        except UpstreamUnavailable:
            return False
        return True

    def _was_stale(self) -> bool:
        """A kept-alive connection died before any byte of an answer, and the request may be sent again.

        RFC 9110 section 9.2.2: a proxy must not automatically retry a request that is not idempotent.
        """
        connection = self._connection
        return (
            connection is not None
            and connection.served > 1
            and not connection.answered
            and not self._refreshed
            and not self._body_written
            and self._method in IDEMPOTENT
        )

    def _finish(self) -> None:
        self._leave()
        self.done = True

    def _leave(self) -> None:
        if self._server is not None:
            self._server.active -= 1
        self._server = self._connection = None
