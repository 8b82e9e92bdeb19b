"""A connection of HTTP/2 on which a proxy asks by gRPC (RFC 9113).

It has one message each way in a call. TLS, limits, time-outs and the drain are those of all connections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame

from gateway.ext_authz.grpc_call import (
    CONTENT_TYPE,
    GrpcError,
    call_timeout,
    called_method,
    error_headers,
    framed,
    only_message,
)
from gateway.http.exchange import Header, Peer
from gateway.http.grpc_status import GrpcStatus
from gateway.http.limit_names import HEADER_TIMEOUT
from gateway.server.connection_manager import ConnectionManager
from gateway.server.eager import Running, run_eagerly
from gateway.server.transport import ClientTransport

log = logging.getLogger("gatepost")
# It would write every header to the log, secrets too.
logging.getLogger("hpack").setLevel(logging.WARNING)

MAX_MESSAGE = 256 * 1024
"""Bytes of a call's message: heads alone, no bodies."""
MAX_CALL = 30.0
"""Seconds that a call may take."""
MAX_RESETS = 200
"""Calls that a proxy may take back before they are answered, beyond those that were (rapid reset)."""
GOAWAY_DELAY = 0.5
"""Seconds in which calls are still taken after the first GOAWAY (RFC 9113 section 6.8)."""
_ANY_STREAM = 2**31 - 1
Method = Callable[[bytes, Peer, Sequence[Header]], Awaitable[bytes]]
"""Answers a call: its message, the other end of the connection, and the call's metadata. Raises GrpcError."""


@dataclass(slots=True)
class _Call:
    """A call under way."""

    headers: Sequence[Header]
    data: bytearray
    asked: bool = False
    """Whether its message is whole."""
    task: Running | None = None
    deadline: asyncio.TimerHandle | None = None
    answer: bytes = b""
    """What the proxy's flow control has not let out yet."""

    def stop(self) -> None:
        """Nobody waits for its answer any more."""
        for one in (self.task, self.deadline):
            if one is not None:
                one.cancel()


class GrpcConnection(ClientTransport):
    """One connection. Its calls are answered as they come, at the same time."""

    def __init__(
        self,
        manager: ConnectionManager,
        methods: Mapping[bytes, Method],
        header_timeout: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(manager, loop)
        self._methods = methods
        self._http: Any = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._calls: dict[int, _Call] = {}
        self._first_call_until: float | None = loop.time() + header_timeout
        self._answered = self._reset = 0
        self._going = False
        self._gone: asyncio.Future[None] = loop.create_future()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._http.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Frames have come."""
        try:
            events = self._http.receive_data(data)
            for event in events:
                self._handle(event)
        except ProtocolError as error:
            log.debug("HTTP/2 of %s: %s", self.address, error)
            self._flush()
            self.hang_up()
        else:
            self._flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        for call in self._calls.values():
            call.stop()
        self._calls.clear()
        super().connection_lost(exc)
        if not self._gone.done():
            self._gone.set_result(None)

    # What comes.

    def _handle(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            self._calls[_stream(event)] = _Call(event.headers, bytearray())
        elif isinstance(event, DataReceived):
            self._take(event)
        elif isinstance(event, StreamEnded):
            self._begin(_stream(event))
        elif isinstance(event, StreamReset):
            self._take_back(_stream(event))
        elif isinstance(event, WindowUpdated):
            for stream, call in list(self._calls.items()):
                if call.answer:
                    self._send(stream, call)

    def _take(self, event: Any) -> None:
        self._http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        call = self._calls.get(event.stream_id)
        if call is None:
            return
        call.data += event.data
        if len(call.data) > MAX_MESSAGE:
            self._fail(event.stream_id, GrpcError(GrpcStatus.RESOURCE_EXHAUSTED, "The message is too large."))

    def _take_back(self, stream: int) -> None:
        call = self._calls.pop(stream, None)
        if call is not None:
            call.stop()
            self._reset += 1
        if self._reset > MAX_RESETS + self._answered:
            log.warning("connection from %s closed: it takes its calls back", self.address)
            self.abort()
        self._close_if_idle()

    # The calls.

    def _begin(self, stream: int) -> None:
        call = self._calls.get(stream)
        if call is None:
            return
        call.asked = True
        try:
            method = self._methods.get(called_method(call.headers))
            if method is None:
                raise GrpcError(GrpcStatus.UNIMPLEMENTED, "There is no such method.")
            seconds = call_timeout(call.headers, MAX_CALL)
            message = only_message(bytes(call.data))
        except GrpcError as error:
            self._fail(stream, error)
            return
        self._first_call_until = None
        call.task = run_eagerly(self._answer(stream, call, method, message))
        if call.task is not None:
            late = GrpcError(GrpcStatus.DEADLINE_EXCEEDED, "The call's time is over.")
            call.deadline = self._loop.call_later(seconds, self._fail, stream, late)

    async def _answer(self, stream: int, call: _Call, method: Method, message: bytes) -> None:
        try:
            answer = await method(message, self.peer, call.headers)
        except GrpcError as error:
            self._fail(stream, error)
        except Exception:
            log.exception("a call of gRPC failed")
            self._fail(stream, GrpcError(GrpcStatus.INTERNAL, "The gateway failed on this call."))
        else:
            if stream in self._calls:
                with suppress(ProtocolError):
                    self._http.send_headers(stream, [(b":status", b"200"), CONTENT_TYPE])
                call.answer = framed(answer)
                self._send(stream, call)
                self._flush()

    def _send(self, stream: int, call: _Call) -> None:
        """Sends as much of the answer as the proxy takes; its status follows."""
        # It may have taken the call back by bytes that have come, and that are not handled yet.
        with suppress(ProtocolError):
            while call.answer:
                window = self._http.local_flow_control_window(stream)
                size = min(window, self._http.max_outbound_frame_size)
                if size <= 0:
                    return
                self._http.send_data(stream, call.answer[:size])
                call.answer = call.answer[size:]
            self._http.send_headers(stream, [(b"grpc-status", b"0")], end_stream=True)
        self._end(stream)

    def _fail(self, stream: int, error: GrpcError) -> None:
        call = self._calls.get(stream)
        if call is None:
            return
        with suppress(ProtocolError):
            self._http.send_headers(stream, error_headers(error), end_stream=True)
            if not call.asked:
                self._http.reset_stream(stream)
        self._end(stream)
        self._flush()

    def _end(self, stream: int) -> None:
        call = self._calls.pop(stream)
        task = call.task
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        if call.deadline is not None:
            call.deadline.cancel()
        self._answered += 1
        self._close_if_idle()

    def _flush(self) -> None:
        data = self._http.data_to_send()
        if data:
            self.write(data)

    # What ends it.

    def check_timeouts(self, now: float) -> bool:
        """Ends the connection where the proxy does not read, or has never asked."""
        waits = super().check_timeouts(now)
        if self._first_call_until is not None and now > self._first_call_until:
            self._connection_manager.reached(HEADER_TIMEOUT, self.address)
            self.hang_up()
        return waits or self._first_call_until is not None

    def close(self) -> None:
        """Takes no further calls. Those that are under way by then are answered."""
        if not self._going and self.connected:
            self._going = True
            # RFC 9113 section 6.8: of calls that cross the first GOAWAY on their way, none is lost.
            self.write(GoAwayFrame(0, last_stream_id=_ANY_STREAM).serialize())
            self._loop.call_later(GOAWAY_DELAY, self._take_no_more)

    def _take_no_more(self) -> None:
        self._methods = {}
        self.write(GoAwayFrame(0, last_stream_id=self._http.highest_inbound_stream_id).serialize())
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._going and not self._methods and not self._calls:
            self._flush()
            self.hang_up()

    def going_away(self, *, at_once: bool) -> None:
        """Nothing: calls end by themselves."""

    async def shutdown(self, timeout: float | None) -> None:  # noqa: ASYNC109 (as aiohttp's own)
        """Waits for the calls that are under way, up to `timeout` seconds; then ends them."""
        self.close()
        await asyncio.wait({self._gone}, timeout=timeout)
        self.hang_up()


def _stream(event: Any) -> int:
    return int(event.stream_id)
