"""One request on its way to an upstream: picks a server, gets a connection, tries again where it is safe."""

from __future__ import annotations

from gateway.exchange import Headers, ResponseHead
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.dispatch import Dispatcher
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamUnavailable
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.retries import CONNECT, IDEMPOTENT, RESET, may_retry
from gateway.upstream.server import Server
from gateway.upstream.sink import Framing, Sink


class Call:
    """A request and its handle: what the caller steers it by, and what connection and pool report to."""

    __slots__ = (
        "_body_begun",
        "_connection",
        "_decides",
        "_dispatcher",
        "_refreshed",
        "_request",
        "_retries",
        "_server",
        "_sink",
        "done",
    )

    def __init__(self, dispatcher: Dispatcher, sink: Sink, request: UpstreamRequest) -> None:
        self._dispatcher = dispatcher
        self._sink = sink
        self._request = request
        self._body_begun = self._refreshed = self._decides = False
        self._retries = 0
        self._connection: UpstreamConnection | None = None
        self._server: Server | None = None
        self.done = False
        """The last call to the sink has been made, or the call was aborted."""

    # What the caller does.

    def go_to(self, server: Server) -> None:
        """Sends the request to a server as soon as there is a connection: now, if one is free.

        Raises:
            UpstreamUnavailable: too many wait for one; the sink hears nothing.
        """
        connection = server.pool.take()
        if connection is None:
            server.pool.wait(self)
        if self._server is not None:
            self._server.left(undecided=self._decides)
        self._server, self._connection = server, None
        self._decides = server.entered()
        if connection is not None:
            self.on_connection(connection)

    def write(self, data: bytes) -> None:
        """The next piece of the request's body; only after `resume_writing` and before `pause_writing`."""
        if self._connection is not None:
            self._body_begun = True
            self._connection.write(data)
        elif not self.done:
            raise RuntimeError("there is no connection to write to yet")

    def write_end(self) -> None:
        """The request's body is complete. As for `write`."""
        if self._connection is not None:
            self._body_begun = True
            self._connection.write_end()
        elif not self.done:
            raise RuntimeError("there is no connection to write to yet")

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
        self._finish()
        if connection is not None:
            connection.abort()
        elif server is not None:
            server.pool.leave(self)

    # What the pool tells.

    def on_connection(self, connection: UpstreamConnection) -> None:
        """The connection to use."""
        self._connection = connection
        connection.send(self, self._request)
        if self._request.body_follows and not connection.writing_paused:
            self._sink.resume_writing()

    def on_no_connection(self, error: UpstreamError) -> None:
        """No connection could be had."""
        in_own_line = isinstance(error, UpstreamUnavailable)
        if self._server is not None and not in_own_line:
            self._decides = False
            self._server.unreachable(error)
        if in_own_line or not self._again(CONNECT):
            self._finish()
            self._sink.on_error(error)

    # What the connection tells.

    def on_informational(self, head: ResponseHead) -> None:
        """Passes on a 1xx."""
        self._sink.on_informational(head)

    def on_whole(self, head: ResponseHead, framing: Framing, body: bytes, trailers: Headers) -> None:
        """Passes on a whole answer, or asks again."""
        self._connection = None
        self._note_answer()
        if head.status in self._dispatcher.retried_statuses and self._again(str(head.status)):
            return
        self._finish()
        self._sink.on_whole(head, framing, body, trailers)

    def on_head(self, head: ResponseHead, framing: Framing) -> None:
        """Passes on an answer's head, or asks again."""
        self._note_answer()
        connection = self._connection
        if head.status in self._dispatcher.retried_statuses and self._again(str(head.status)):
            if connection is not None:
                connection.abort()
            return
        self._sink.on_head(head, framing)

    def on_data(self, data: bytes) -> None:
        """Passes on content."""
        self._sink.on_data(data)

    def on_end(self, trailers: Headers) -> None:
        """Passes on an answer's end."""
        self._finish()
        self._sink.on_end(trailers)

    def on_error(self, error: UpstreamError) -> None:
        """Tries again where nothing is lost by it; else passes the error on."""
        connection, self._connection = self._connection, None
        broke = connection is not None and not connection.answered and isinstance(error, UpstreamBroken)
        if broke and connection is not None and connection.served > 1 and self._refresh():
            return
        self._note_failure(error)
        if broke and self._again(RESET):
            return
        self._finish()
        self._sink.on_error(error)

    def pause_writing(self) -> None:
        """Passes on that the upstream is slow to take the body."""
        self._sink.pause_writing()

    def resume_writing(self) -> None:
        """Passes on that the upstream takes the body again."""
        self._sink.resume_writing()

    # How it finds its way.

    def _again(self, reason: str) -> bool:
        """Sends the request again, if that is allowed and another server, or the same, can take it."""
        dispatcher = self._dispatcher
        if not may_retry(
            dispatcher.retries,
            reason,
            method=self._request.method,
            attempts=self._retries,
            body_begun=self._body_begun,
        ):
            return False
        if not dispatcher.budget.spend():
            return False
        self._retries += 1
        self._sink.pause_writing()
        try:
            self.go_to(dispatcher.choose(self._request.key, self._server))
        except UpstreamUnavailable:
            return False
        return True

    def _refresh(self) -> bool:
        """A kept-alive connection has died before any answer: asks the same server for a fresh one, once.

        RFC 9110 section 9.2.2: a proxy must not automatically retry a request that is not idempotent.
        """
        server = self._server
        if server is None or self._refreshed or self._body_begun or self._request.method not in IDEMPOTENT:
            return False
        self._refreshed = True
        self._sink.pause_writing()
        try:
            server.pool.wait(self)
        except UpstreamUnavailable:
            return False
        return True

    def _note_answer(self) -> None:
        self._decides = False
        if self._server is not None and not self._server.condition.breaker.calm:
            self._server.answered()

    def _note_failure(self, error: UpstreamError) -> None:
        if self._server is not None and not isinstance(error, UpstreamUnavailable):
            self._decides = False
            self._server.failed(error)

    def _finish(self) -> None:
        self.done = True
        if self._server is not None:
            self._server.left(undecided=self._decides)
        self._server = self._connection = None
