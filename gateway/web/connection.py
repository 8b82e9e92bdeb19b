"""aiohttp's server side of a connection, with what a gateway needs beside it.

Bad requests are answered as problem+json, a head that does not arrive in time ends the connection, and
who writes can wait until the caller has taken what was written.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.clock import Clock
from gateway.faults import (
    FAILED,
    SLOW_REQUEST,
    Fault,
)
from gateway.proxy.answers import answer_bytes, fault_answer
from gateway.proxy.arrival import check_request_line
from gateway.web.arrival import connection_peer
from gateway.web.faults import unread_kind
from gateway.web.overseer import Overseer
from gateway.web.patience import SlowReader
from gateway.web.sent import SentResponse
from gateway.web.tunnel import CallerStream

_RST = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class GatewayConnection(RequestHandler):
    """One client connection."""

    __slots__: tuple[str, ...] = (
        "_address",
        "_clock",
        "_drained",
        "_head_timer",
        "_header_timeout",
        "_lost",
        "_new_id",
        "_overseer",
        "_reading",
        "_stream",
        "_wire",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        header_timeout: float,
        overseer: Overseer,
        clock: Clock,
        new_id: Callable[[], str],
        **kwargs: Any,
    ) -> None:
        super().__init__(manager, **kwargs)
        self._header_timeout = header_timeout
        self._overseer = overseer
        self._reading = SlowReader(overseer.patience)
        self._wire: asyncio.Transport | None = None
        self._address = ""
        self._clock = clock
        self._new_id = new_id
        self._stream: CallerStream | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._lost = False

    @property
    def address(self) -> str:
        """The other end's IP address."""
        return self._address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        self._address = connection_peer(self._wire).address
        if self._overseer.enter(self):
            super().connection_made(transport)
        else:
            self._wire.abort()

    def look(self, now: float) -> None:
        """Ends the connection where its caller takes too long to say anything, or to take its answer."""
        wire = self._wire
        if wire is not None and self._reading.too_slow(wire.get_write_buffer_size(), now):
            wire.abort()
        elif self._at_rest() and now > self._next_keepalive_close_time:
            self.force_close()

    def _at_rest(self) -> bool:
        """Whether nothing is on its way, either way."""
        return self._at_beginning() and not self._request_in_progress and self._stream is None

    def data_received(self, data: bytes) -> None:
        """Bytes have come: for the tunnel, or aiohttp."""
        if self._stream is not None:
            self._stream.feed(data)
        else:
            self._to_aiohttp(data)

    def _to_aiohttp(self, data: bytes) -> None:
        """Hands the bytes to aiohttp, and watches that a head that has begun also ends."""
        if self._at_beginning() and not self._is_request(data):
            return
        before = self._request_count
        super().data_received(data)
        if self._request_count != before or self._request_in_progress or self._messages:
            self._stop_head_timer()
        elif self._head_timer is None and not self._force_close:
            self._head_timer = asyncio.get_running_loop().call_later(self._header_timeout, self._head_late)

    def _at_beginning(self) -> bool:
        """Whether the next byte is the first of a request."""
        # The first bytes can come before aiohttp has begun to wait for them.
        waits = self._waiter is not None or self._request_count == 0
        return waits and self._head_timer is None and not self._messages

    def _is_request(self, data: bytes) -> bool:
        """Refuses what does not begin like a request."""
        try:
            check_request_line(data)
        except Fault as fault:
            self.write(self._refusal(fault))
            self.force_close()
            return False
        return True

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if self.transport is not None and not self._request_in_progress:
            self.transport.write(self._refusal(Fault(SLOW_REQUEST, close=True)))
            self.force_close()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading.relieved()
        self._wake()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._lost = True
        self._wire = None
        self._overseer.leave(self)
        self._stop_head_timer()
        if self._stream is not None:
            self._stream.end()
        super().connection_lost(exc)
        self._wake()

    def write(self, data: bytes) -> None:
        """Sends bytes past aiohttp's own writer."""
        if self.transport is not None:
            self.transport.write(data)

    def abort(self) -> None:
        """Breaks the connection off, so that the caller sees that an answer is not whole."""
        if self.transport is not None:
            self.transport.abort()

    def await_no_body(self) -> None:
        """Closes after the answer without waiting for the rest of the request."""
        self._lingering_time = 0.0

    def reset(self) -> None:
        """Breaks off so that it can't be taken for the end of an answer: TCP says RST, not FIN."""
        if self.transport is not None:
            self.transport.get_extra_info("socket").setsockopt(*_RST)
            self.transport.abort()

    def become_tunnel(self) -> CallerStream:
        """From here on the caller's bytes are no HTTP: aiohttp sees no more of them."""
        self._stream = CallerStream(self, self._message_tail)
        self._message_tail = b""
        self.resume()
        return self._stream

    def pause(self) -> None:
        """Reads no more for now."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        if self.transport is not None:
            self.transport.resume_reading()

    async def drain(self) -> None:
        """Waits until the caller has taken most of what was written.

        Raises:
            ConnectionResetError: the caller is gone.
        """
        if self.writing_paused and not self._lost:
            self._drained = asyncio.get_running_loop().create_future()
            try:
                await self._drained
            finally:
                self._drained = None
        if self._lost:
            raise ConnectionResetError("the caller is gone")

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Logs an error, unless it is that the connection ended while the rest of a body was thrown away.

        An error in a handler is logged where it becomes an answer.
        """
        if self.connected and not self._lost:
            super().log_exception(*args, **kw)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp can't parse, or a handler let escape, in the gateway's own words."""
        if status < 500:  # noqa: PLR2004 (the server's own errors begin there)
            fault = Fault(unread_kind(exc), close=True)
        else:
            self.log_exception("Unhandled error", exc_info=exc)
            fault = Fault(FAILED, close=True)
        self.write(self._refusal(fault))
        return SentResponse(status, 0, keep_alive=False)

    def _refusal(self, fault: Fault) -> bytes:
        """The answer to a request that could not be read."""
        answer = fault_answer(fault, self._new_id())
        return answer_bytes(answer, [], method="GET", version=(1, 1), keep_alive=False, now=self._clock())
