"""The transport of a client connection: writing, back-pressure, and slow readers."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final, cast

from gateway.http.exchange import NOBODY
from gateway.http.forwarded import direct_peer
from gateway.runtime.compilation import mypyc_attr
from gateway.server.connection_manager import ConnectionManager
from gateway.server.min_data_rate import SlowClientMonitor
from gateway.server.peer import connection_peer

_RST: Final = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@mypyc_attr(allow_interpreted_subclasses=True)
class ClientTransport(asyncio.Protocol):
    """One client connection, below HTTP.

    There is one for each client, busy or idle: it is kept small, and has no timer and no task of its own.
    """

    begins = False
    """Without TLS, the first bytes are a request's."""

    __slots__ = (
        "_connection_manager",
        "_drained",
        "_loop",
        "_paused",
        "_slow",
        "_wire",
        "announced",
        "peer",
        "transport",
    )

    def __init__(self, connection_manager: ConnectionManager, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._connection_manager = connection_manager
        self._slow: SlowClientMonitor | None = None
        """Watches while bytes wait to be written."""
        self._wire: asyncio.Transport | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False
        self.transport: asyncio.Transport | None = None
        """None before the connection is accepted, and as soon as this end has closed it."""
        self.announced: str | None = None
        """The client's address, where a trusted proxy has put it before the connection (PROXY protocol)."""
        self.peer = NOBODY
        """The other end."""

    @property
    def address(self) -> str:
        """The other end's IP address."""
        return self.peer.address

    @property
    def connected(self) -> bool:
        """Whether anything can still be sent."""
        return self.transport is not None

    @property
    def awaits_last_response(self) -> bool:
        """Whether it takes no more bytes, and will close once it has written."""
        return False

    # What those call who do what precedes HTTP, as TLS does.

    def begin(self, address: str) -> bool:
        """The connection has begun. Whether it is accepted; `connection_made` or `not_made` follows."""
        self.peer = direct_peer(self.announced or address, "https")
        return self._connection_manager.begin(self)

    def not_made(self) -> None:
        """It is gone before it was made."""
        self._connection_manager.unregister(self)

    def refuse_plain_http(self, wire: asyncio.Transport) -> bool:
        """HTTP has come in place of TLS: ends the connection. Returns whether it was made before."""
        wire.abort()
        return False

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        self.peer = connection_peer(transport, self.announced)
        if self._connection_manager.register(self):
            self.transport = self._wire
        else:
            self._wire.abort()

    def moved_to(self, transport: asyncio.Transport) -> None:
        """From now on it has this transport, in place of the one that the connection was made with."""
        self._wire = transport
        if self.transport is not None:
            self.transport = transport

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wire = self.transport = None
        self._connection_manager.unregister(self)
        self._wake()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._slow is not None:
            self._slow.drained()
        self._wake()

    # What those call who write and read on it.

    def write(self, data: bytes) -> None:
        """Sends bytes."""
        if self.transport is not None:
            self.transport.write(data)

    async def drain(self) -> None:
        """Waits until the client has taken most of what was written.

        Raises:
            ConnectionResetError: the client is gone.
        """
        if self._paused and self._wire is not None:
            self._drained = self._loop.create_future()
            try:
                await self._drained
            finally:
                self._drained = None
        if self._wire is None:
            raise ConnectionResetError("the client is gone")

    def write_end(self) -> bool:
        """Says that no more bytes follow. False: the connection can't, and is to be closed (TLS)."""
        if self.transport is None or not self.transport.can_write_eof():
            return False
        self.transport.write_eof()
        return True

    def hang_up(self) -> None:
        """Closes when all that was written is out."""
        if self.transport is not None:
            self.transport.close()
            self.transport = None

    def abort(self) -> None:
        """Breaks the connection off, so that the client sees that a response is not complete."""
        if self._wire is not None:
            self._wire.abort()

    def reset(self) -> None:
        """Breaks off by RST: a FIN could be taken for the end of a response."""
        if self._wire is not None:
            self._wire.get_extra_info("socket").setsockopt(*_RST)
            self._wire.abort()

    def pause(self) -> None:
        """Reads no more for now."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        if self.transport is not None:
            self.transport.resume_reading()

    def check_timeouts(self, now: float) -> bool:
        """Ends the connection where its client takes too long to read a response. Whether it has to read."""
        wire = self._wire
        if wire is None:
            return False
        waiting = wire.get_write_buffer_size()
        if not waiting:
            self._slow = None
            return False
        slow = self._slow = self._slow or SlowClientMonitor(self._connection_manager.min_data_rate)
        if slow.too_slow(waiting, now):
            self._connection_manager.reached(slow.passed, self.address)
            wire.abort()
        return True

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
