"""aiohttp's part of a connection: made with the first request that the fast path declines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from gateway.http.problems import INTERNAL_ERROR, Problem
from gateway.server.client_connection import ClientConnection
from gateway.server.parse_errors import parse_problem
from gateway.server.raw_response import AlreadySentResponse

_YEARS = 1e9
"""Seconds. Idle connections are closed by the connection itself, not by aiohttp."""


class AiohttpHandler(RequestHandler):
    """Parses requests and runs the application on them. The bytes are given to it by its connection."""

    __slots__ = ("body", "connection", "longest_target")

    def __init__(
        self, manager: web.Server, connection: ClientConnection, longest_target: int, **options: Any
    ) -> None:
        super().__init__(manager, keepalive_timeout=_YEARS, tcp_keepalive=False, **options)
        self.connection = connection
        self.longest_target = longest_target
        self.body: StreamReader | None = None
        """The body of the request that is being answered."""

    async def start(self) -> None:
        """Answers requests, until the connection ends."""
        try:
            await super().start()
        except asyncio.CancelledError as error:
            # aiohttp's frame may know its task, which keeps the error.
            error.__traceback__ = None
            raise

    def data_received(self, data: bytes) -> None:
        """Parses what has come. Who waits for more of a body that is malformed is told at once.

        aiohttp queues the error behind the request, which would wait for its body until a time-out.
        """
        super().data_received(data)
        if self._messages and isinstance(problem := self._messages[-1][0], _ErrInfo):
            # It leads to the frame that keeps it: only the garbage collector would find the two.
            problem.exc.__traceback__ = None
            bodies = [body for _, body in self._messages] + ([] if self.body is None else [self.body])
            end_with_error(bodies)
            # A reader that a chunk's end has just woken waits again without a look at the error.
            asyncio.get_running_loop().call_soon(end_with_error, bodies)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone; so is its body, which knows this handler."""
        super().connection_lost(exc)
        self.body = None

    @property
    def has_unstarted_request(self) -> bool:
        """Whether it has parsed a request that it has not begun to answer."""
        return bool(self._messages)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends what is left of a response, and tells the connection that it is out."""
        self.body = None
        resp, reset = await super().finish_response(request, resp, start_time)
        self.connection.response_sent(request, keep=bool(resp.keep_alive) and not reset)
        return resp, reset

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Logs an error, unless it is that the rest of a body could not be discarded, since the connection
        ended or the body is malformed.

        An error in a handler is logged where it becomes an answer.
        """
        error = kw.get("exc_info")
        if isinstance(error, web.RequestPayloadError):
            error.__traceback__ = None  # the body, which it leads to, keeps it
        elif self.connected and self.connection.connected:
            super().log_exception(*args, **kw)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers what aiohttp can't parse, and errors that a handler let escape, with a problem."""
        if status < 500:  # noqa: PLR2004 (the server's own errors begin there)
            problem = parse_problem(exc, self.longest_target)
        else:
            self.log_exception("Unhandled error", exc_info=exc)
            problem = Problem(INTERNAL_ERROR, close=True)
        self.connection.refuse(problem)
        return AlreadySentResponse(status, 0, keep_alive=False)


def end_with_error(bodies: Iterable[StreamReader]) -> None:
    """Tells who reads them that the rest of these bodies can't be parsed."""
    for body in bodies:
        if not body.is_eof():
            body.set_exception(web.RequestPayloadError("malformed body"))
