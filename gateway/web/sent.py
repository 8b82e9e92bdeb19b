"""Answers that go over the wire as the gateway's own bytes, past aiohttp's writer."""

from __future__ import annotations

from aiohttp import web

from gateway.exchange import Answer, Headers
from gateway.faults import Fault
from gateway.proxy.answers import answer_bytes, fault_answer
from gateway.web.owner import connection_of


class SentResponse(web.StreamResponse):
    """An answer that is on the wire already: aiohttp has nothing left to send."""

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


async def send_answer(
    request: web.Request, answer: Answer, extra: Headers, now: float, *, close: bool = False
) -> SentResponse:
    """Sends a whole answer."""
    connection = connection_of(request)
    # RFC 9110 section 10.1.1: who waits to be told to go on will send no body now, or will send it all the
    # same. Closing is what both understand.
    unsent = _body_is_held_back(request)
    keep_alive = request.keep_alive and not close and not unsent
    connection.write(
        answer_bytes(
            answer,
            extra,
            method=request.method,
            version=(request.version.major, request.version.minor),
            keep_alive=keep_alive,
            now=now,
        )
    )
    await connection.drain()
    return SentResponse(answer.status, len(answer.body), keep_alive=keep_alive, unread=unsent)


async def send_fault(
    request: web.Request, fault: Fault, request_id: str, extra: Headers, now: float
) -> SentResponse:
    """Sends a fault as problem+json."""
    return await send_answer(request, fault_answer(fault, request_id), extra, now, close=fault.close)


def _body_is_held_back(request: web.Request) -> bool:
    expects = request.headers.get("Expect", "").lower() == "100-continue"
    return expects and not request.content.is_eof() and request.content.total_bytes == 0
