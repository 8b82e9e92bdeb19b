"""The wire of a client connection: what goes out on it, and how long the other end may take."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from gateway.exchange import NOBODY
from gateway.web.arrival import connection_peer
from gateway.web.overseer import Overseer
from gateway.web.patience import SlowReader

_RST = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Wire(asyncio.Protocol):
    """One client connection, as far as it does not matter what is said on it.

    There is one for each caller, busy or not: it is kept small, and has no timer and no task of its own.
    """

    __slots__ = ("_drained", "_loop", "_overseer", "_paused", "_reading", "_wire", "peer", "transport")

    def __init__(self, overseer: Overseer, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._overseer = overseer
        self._reading = SlowReader(overseer.patience)
        self._wire: asyncio.Transport | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False
        self.transport: asyncio.Transport | None = None
        """None before the connection is let in, and from the moment in which this end has closed it."""
        self.peer = NOBODY
        """Who holds the other end."""

    @property
    def address(self) -> str:
        """The other end's IP address."""
        return self.peer.address

    @property
    def connected(self) -> bool:
        """Whether anything can still be sent."""
        return self.transport is not None

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        self.peer = connection_peer(transport)
        if self._overseer.enter(self):
            self.transport = self._wire
        else:
            self._wire.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wire = self.transport = None
        self._overseer.leave(self)
        self._wake()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._reading.relieved()
        self._wake()

    # What is done with it.

    def write(self, data: bytes) -> None:
        """Sends bytes."""
        if self.transport is not None:
            self.transport.write(data)

    async def drain(self) -> None:
        """Waits until the caller has taken most of what was written.

        Raises:
            ConnectionResetError: the caller is gone.
        """
        if self._paused and self._wire is not None:
            self._drained = self._loop.create_future()
            try:
                await self._drained
            finally:
                self._drained = None
        if self._wire is None:
            raise ConnectionResetError("the caller is gone")

    def hang_up(self) -> None:
        """Closes when all that was written is out."""
        if self.transport is not None:
            self.transport.close()
            self.transport = None

    def abort(self) -> None:
        """Breaks the connection off, so that the caller sees that an answer is not whole."""
        if self._wire is not None:
            self._wire.abort()

    def reset(self) -> None:
        """Breaks off so that it can't be taken for the end of an answer: TCP says RST, not FIN."""
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

    def look(self, now: float) -> None:
        """Ends the connection where its caller takes too long to take an answer."""
        wire = self._wire
        if wire is not None and self._reading.too_slow(wire.get_write_buffer_size(), now):
            wire.abort()

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
