"""One request on its way to an upstream: gets a server and a connection, retries where it is safe."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.http.exchange import Headers, ResponseHead
from gateway.runtime.compilation import mypyc_attr
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import ClosedBeforeResponse, UpstreamError, UpstreamUnavailable
from gateway.upstream.load_balancer import LoadBalancer
from gateway.upstream.request import EXPECT_LINE, Session, UpstreamRequest
from gateway.upstream.response_handler import CONTINUE, ResponseHandler, UpstreamFraming
from gateway.upstream.retries import CONNECT, IDEMPOTENT, RESET, may_retry
from gateway.upstream.reuse_policy import ANY, CHECKED, NEW
from gateway.upstream.server import UpstreamServer

_HTTP_1_1: Final = (1, 1)


@mypyc_attr(allow_interpreted_subclasses=True)
class UpstreamCall:
    """A request and its handle: the client's side steers it, connection and pool report to it."""

    __slots__ = (
        "_balancer",
        "_body_begun",
        "_connection",
        "_handler",
        "_is_probe",
        "_replaced",
        "_request",
        "_retries",
        "_reuse",
        "_server",
        "done",
    )

    def __init__(self, balancer: LoadBalancer, handler: ResponseHandler, request: UpstreamRequest) -> None:
        self._balancer = balancer
        self._handler = handler
        self._request = request
        # RFC 9110 section 9.2.2: a proxy must not send again what is not idempotent; and it can't send again
        # a body that it has passed on piece by piece.
        repeatable = not request.body_follows and request.method in IDEMPOTENT
        self._reuse = ANY if repeatable else CHECKED
        self._body_begun = self._replaced = self._is_probe = False
        self._retries = 0
        self._connection: UpstreamConnection | None = None
        self._server: UpstreamServer | None = None
        self.done = False
        """The handler has had its last call, or the call was aborted."""

    # What the client's side does.

    def go_to(self, server: UpstreamServer) -> None:
        """Sends the request to a server as soon as there is a connection: now, if one is idle.

        Raises:
            UpstreamUnavailable: too many wait for one; the handler gets no call.
        """
        connection = server.pool.take(self._reuse)
        if connection is None:
            server.pool.wait(self, self._reuse)
        if self._server is not None:
            self._server.left(self, undecided=self._is_probe)
        self._server, self._connection = server, None
        self._is_probe = server.entered(self, whole=not self._request.body_follows)
        if connection is not None:
            self.on_connection(connection)

    def write(self, data: bytes) -> None:
        """The next piece of the request's body; only after `resume_writing` and before `pause_writing`."""
        if self._connection is not None:
            self._body_begun = True
            self._connection.write(data)
            if self._request.copy is not None:
                self._request.copy.write(data)
        elif not self.done:
            raise RuntimeError("there is no connection to write to yet")

    def write_end(self) -> None:
        """The request's body, or what the client sends into a tunnel, is complete. As for `write`."""
        if self._connection is not None:
            self._body_begun = True
            server = self._server
            if server is not None and server.concurrency is not None:
                server.concurrency.sent(self, server.now())
            self._connection.write_end()
            if self._request.copy is not None:
                self._request.copy.write_end()
        elif not self.done:
            raise RuntimeError("there is no connection to write to yet")

    @property
    def can_half_close(self) -> bool:
        """Of a tunnel: whether one direction can end before the other."""
        return self._connection is not None and self._connection.can_half_close

    def pause_reading(self) -> None:
        """The client can't take more of the response for now."""
        if self._connection is not None:
            self._connection.pause_reading()

    def resume_reading(self) -> None:
        """The client can take more."""
        if self._connection is not None:
            self._connection.resume_reading()

    def hand_over(self, handler: ResponseHandler) -> None:
        """From now on `handler` gets the calls: after 101, a tunnel."""
        self._handler = handler

    def abort(self) -> None:
        """Ends the request at once, wherever it is; the handler gets no further call."""
        connection, server = self._connection, self._server
        self._finish()
        if connection is not None:
            connection.abort()
        elif server is not None:
            server.pool.leave(self)

    # What the pool reports.

    def on_connection(self, connection: UpstreamConnection) -> None:
        """The connection to use."""
        self._connection = connection
        request = self._request
        if request.expects_continue and self._server is not None and self._server.is_http_1_0:
            # RFC 9110 section 10.1.1: HTTP/1.0 has no 100 (Continue), so the server would never say it.
            request = replace(request, head=request.head.replace(EXPECT_LINE, b"", 1))
            self._handler.on_informational(CONTINUE)
        connection.send(self, request)
        if self._request.body_follows and not connection.writing_paused:
            self._handler.resume_writing()

    def on_no_connection(self, error: UpstreamError) -> None:
        """No connection could be had."""
        in_queue = isinstance(error, UpstreamUnavailable)
        if self._server is not None:
            error.locate(self._server.name)
            if not in_queue:
                self._is_probe = False
                self._server.on_connect_error(error)
        if in_queue or not self._retry(CONNECT):
            self._finish()
            self._handler.on_error(error)

    # What the connection reports.

    def on_informational(self, head: ResponseHead) -> None:
        """Passes on a 1xx."""
        self._handler.on_informational(head)

    def on_whole(self, head: ResponseHead, framing: UpstreamFraming, body: bytes, trailers: Headers) -> None:
        """Passes on a complete response, or retries."""
        self._note_response(head)
        self._connection = None
        if head.status in self._balancer.retried_statuses and self._retry(str(head.status)):
            return
        if self._request.session is not None:
            self._note_server(self._request.session)
        self._finish()
        self._handler.on_whole(head, framing, body, trailers)

    def on_head(self, head: ResponseHead, framing: UpstreamFraming) -> None:
        """Passes on a response's head, or retries."""
        self._note_response(head)
        connection = self._connection
        if head.status in self._balancer.retried_statuses and self._retry(str(head.status)):
            if connection is not None:
                connection.abort()
            return
        if self._request.session is not None:
            self._note_server(self._request.session)
        self._handler.on_head(head, framing)

    def on_data(self, data: bytes) -> None:
        """Passes on content."""
        self._handler.on_data(data)

    def on_end(self, trailers: Headers) -> None:
        """Passes on a response's end."""
        self._finish()
        self._handler.on_end(trailers)

    def on_error(self, error: UpstreamError) -> None:
        """Sends the request again where that does no harm; else passes the error on."""
        connection, self._connection = self._connection, None
        reused = connection is not None and connection.reused
        if self._server is not None:
            error.locate(self._server.name, reused=reused)
        early = isinstance(error, ClosedBeforeResponse)
        if early and reused:
            # Says nothing of the server's health: see ClosedBeforeResponse.
            self._note_stale_connection()
            if self._send_on_new_connection():
                return
        else:
            self._note_failure(error)
            if early and self._retry(RESET):
                return
        self._finish()
        self._handler.on_error(error)

    def pause_writing(self) -> None:
        """Passes on that the upstream is slow to take the body."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Passes on that the upstream takes the body again."""
        self._handler.resume_writing()

    @property
    def _wanted(self) -> str | None:
        session = self._request.session
        return None if session is None else session.wanted

    # Retries.

    def _retry(self, reason: str) -> bool:
        """Sends the request again, if that is allowed and another server, or the same, can take it."""
        balancer = self._balancer
        if not may_retry(
            balancer.retries,
            reason,
            method=self._request.method,
            attempts=self._retries,
            body_begun=self._body_begun,
        ):
            return False
        if not balancer.budget.spend():
            return False
        self._retries += 1
        self._handler.pause_writing()
        try:
            self.go_to(balancer.choose(self._request.key, self._server, self._wanted))
        except UpstreamUnavailable:
            return False
        return True

    def _send_on_new_connection(self) -> bool:
        """A reused connection was lost: sends the request again, once, to the same server on a new one.

        RFC 9110 section 9.2.2: a proxy must not automatically retry a request that is not idempotent.
        """
        server = self._server
        if server is None or self._replaced or self._body_begun or self._request.method not in IDEMPOTENT:
            return False
        self._replaced = True
        self._handler.pause_writing()
        try:
            server.pool.wait(self, NEW)
        except UpstreamUnavailable:
            return False
        return True

    # What is learned of the server.

    def _note_response(self, head: ResponseHead) -> None:
        self._is_probe = False
        server = self._server
        if server is None:
            return
        if self._request.body_follows:
            server.is_http_1_0 = head.version < _HTTP_1_1
        if server.concurrency is not None:
            server.concurrency.responded(self, head.status, server.now())
        if not server.health.breaker.calm:
            server.answered()
        if not server.pool.reuse.trusted and self._connection is not None and self._connection.reused:
            server.reused_connection_answered()

    def _note_server(self, session: Session) -> None:
        """The response is passed on: the client's session is with this server from now on."""
        if self._server is not None:
            session.served_by(self._server.name)

    def _note_failure(self, error: UpstreamError) -> None:
        if self._server is not None and not isinstance(error, UpstreamUnavailable):
            self._is_probe = False
            self._server.failed(error)

    def _note_stale_connection(self) -> None:
        if self._server is not None:
            self._server.reused_connection_lost()

    def _finish(self) -> None:
        self.done = True
        if self._server is not None:
            self._server.left(self, undecided=self._is_probe)
        self._server = self._connection = None
