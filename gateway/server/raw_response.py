"""Responses that are written as bytes of the gateway's own, past aiohttp's writer."""

from __future__ import annotations

from aiohttp import web

from gateway.http.exchange import Headers, Response
from gateway.http.problems import Problem
from gateway.http.responses import problem_response, response_bytes
from gateway.server.client_connection import connection_of


class AlreadySentResponse(web.StreamResponse):
    """A response that has been written already: aiohttp has nothing left to send."""

    def __init__(self, status: int, size: int, *, keep_alive: bool, unread: bool = False) -> None:
        """`unread`: the connection closes without waiting for the rest of the request."""
        super().__init__(status=status)
        self.size = size
        """Bytes of the body."""
        self._reusable = keep_alive
        self._unread = unread

    @property
    def keep_alive(self) -> bool:
        """Whether the connection can be used again."""
        return self._reusable

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to prepare."""
        if self._unread:
            request.protocol.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


async def send_response(
    request: web.Request, answer: Response, extra: Headers, now: float, *, close: bool = False
) -> AlreadySentResponse:
    """Sends a whole answer."""
    connection = connection_of(request)
    # RFC 9110 section 10.1.1: a client that waits for 100 (Continue) will not send its body now, or sends it
    # all the same. Closing the connection is right for both.
    unsent = _body_is_held_back(request)
    keep_alive = request.keep_alive and not (close or answer.close) and not unsent and not connection.closing
    connection.write(
        response_bytes(
            answer,
            extra,
            method=request.method,
            version=(request.version.major, request.version.minor),
            keep_alive=keep_alive,
            now=now,
        )
    )
    await connection.drain()
    return AlreadySentResponse(answer.status, len(answer.body), keep_alive=keep_alive, unread=unsent)


async def send_problem(
    request: web.Request, problem: Problem, request_id: str, extra: Headers, now: float
) -> AlreadySentResponse:
    """Sends a problem as problem+json."""
    return await send_response(
        request, problem_response(problem, request_id), extra, now, close=problem.close
    )


def _body_is_held_back(request: web.Request) -> bool:
    expects = request.headers.get("Expect", "").lower() == "100-continue"
    return expects and not request.content.is_eof() and request.content.total_bytes == 0
