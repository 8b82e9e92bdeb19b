"""A connection that was just accepted, read and written without the event loop's own transport.

What the event loop makes for a connection, and undoes in the end, costs as much as half of a request. But
most clients send one at once, and of those that say it is their last, nothing more need be read.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import termios
from typing import Any, Final, Protocol, cast

_unread = bytearray(4)
"""An int of C, which is written to."""
_MOST_UNREAD: Final = 65_536
"""Bytes behind the last request that are discarded."""


class MovableProtocol(Protocol):
    """A protocol that can go on with another transport."""

    @property
    def awaits_last_response(self) -> bool:
        """Whether it takes no more bytes, and will close once it has written."""

    @property
    def begins(self) -> bool:
        """Whether its first request has not come yet, nor what precedes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio's, as are the next three."""

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""

    def eof_received(self) -> bool | None:
        """The client has sent its last byte."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""

    def moved_to(self, transport: asyncio.Transport) -> None:
        """From now on it has this transport."""


class EarlyConnections(Protocol):
    """Who reads from connections that the event loop does not watch."""

    def leave(self, transport: AcceptedTransport) -> None:
        """It is closed."""

    def watch(self, transport: AcceptedTransport) -> socket.SocketType:
        """Leaves it to the event loop, with the transport as protocol. Returns the socket made for that."""


class AcceptedTransport(asyncio.Transport, asyncio.Protocol):
    """The transport of a connection that the event loop does not watch yet.

    Once it does, the protocol is moved to the event loop's transport. Who still has this one is served, too.
    """

    __slots__ = (
        "_awaits_response",
        "_closing",
        "_early",
        "_loop",
        "_moving",
        "_paused",
        "_peername",
        "_protocol",
        "_rest",
        "_wire",
        "sock",
    )

    def __init__(
        self,
        sock: socket.SocketType,
        peername: object,
        protocol: MovableProtocol,
        loop: asyncio.AbstractEventLoop,
        early: EarlyConnections,
    ) -> None:
        """`sock` belongs to it from now on, and need not be non-blocking."""
        self.sock = sock
        self._peername = peername
        self._protocol = protocol
        self._loop = loop
        self._early = early
        self._wire: asyncio.Transport | None = None
        """The event loop's transport."""
        self._moving = False
        """Whether the event loop has been asked for one."""
        self._closing = self._paused = False
        self._awaits_response = False
        """Whether all that is left to do is to write a response and to close."""
        self._rest = b""
        """What the client has not taken, for the event loop's transport."""

    # What is called by who reads.

    def connect(self) -> bool:
        """Tells the protocol of the connection. Whether it is to be read from."""
        try:
            self._protocol.connection_made(self)
        except Exception as error:
            self._failed(error)
        return not self._closing

    def received(self, data: bytes) -> bool:
        """Bytes have come; none: the client has sent its last. Whether more are to be read early."""
        protocol = self._protocol
        try:
            if data:
                protocol.data_received(data)
            else:
                protocol.eof_received()
                self.close()
        except Exception as error:
            self._failed(error)
        if self._closing or self._moving:
            return False
        if protocol.awaits_last_response:
            self._awaits_response = True
            return False
        if not protocol.begins:
            self.watch()
            return False
        return True

    def _failed(self, error: Exception) -> None:
        context = {"message": "a client connection failed", "exception": error, "transport": self}
        self._loop.call_exception_handler(context)
        self.abort()

    def watch(self) -> None:
        """Has the event loop watch it, unless it does."""
        if not (self._moving or self._closing):
            self._moving, self._awaits_response = True, False
            self.sock = self._early.watch(self)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The event loop watches it."""
        self._wire = wire = cast(asyncio.Transport, transport)
        wire.set_protocol(cast(asyncio.Protocol, self._protocol))
        if self._rest:
            wire.write(self._rest)
            self._rest = b""
        if self._closing:
            wire.close()
        elif self._paused:
            # uvloop begins to read once this returns.
            self._loop.call_soon(self._move)
        else:
            self._protocol.moved_to(wire)

    def _move(self) -> None:
        if self._wire is None or self._wire.is_closing():
            return
        if self._paused:
            self._wire.pause_reading()
        self._protocol.moved_to(self._wire)

    def connection_lost(self, exc: Exception | None) -> None:
        """The event loop can't watch it."""
        self._closing = True
        self._protocol.connection_lost(exc)

    # What the protocol calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends bytes."""
        if self._wire is not None:
            self._wire.write(data)
            return
        if self._closing:
            return
        sent = 0
        if not self._rest:
            try:
                sent = self.sock.send(data, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                self.abort()
                return
        if sent < len(data):
            self._rest += data[sent:]
            self.watch()

    def close(self) -> None:
        """Closes when all that was written is out."""
        if self._wire is not None:
            self._wire.close()
        elif not self._closing:
            self._closing = True
            if not self._moving:
                self._discard_unread()
                self._end()

    def _discard_unread(self) -> None:
        """With bytes that nobody has read, the close would be a reset, and the response might be lost."""
        fcntl.ioctl(self.sock.fileno(), termios.FIONREAD, _unread)
        if any(_unread):
            self.sock.recv(_MOST_UNREAD, socket.MSG_DONTWAIT)

    def _end(self) -> None:
        self._early.leave(self)
        self.sock.close()
        if self._awaits_response:
            # Nothing of the protocol's is under way that its end could surprise.
            self._protocol.connection_lost(None)
        else:
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """Breaks the connection off."""
        if self._wire is not None:
            self._wire.abort()
        elif not self._closing:
            self._closing, self._rest = True, b""
            if not self._moving:
                self._awaits_response = False
                self._end()

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._closing if self._wire is None else self._wire.is_closing()

    def pause_reading(self) -> None:
        """Reads no more for now."""
        self._paused = True
        if self._wire is not None:
            self._wire.pause_reading()
        else:
            self.watch()

    def resume_reading(self) -> None:
        """Reads on."""
        self._paused = False
        if self._wire is not None:
            self._wire.resume_reading()

    def is_reading(self) -> bool:
        """Whether it reads."""
        return not self._paused and not self.is_closing()

    def can_write_eof(self) -> bool:
        """Whether it can be closed for writing alone: once the event loop watches it."""
        return self._wire is not None and self._wire.can_write_eof()

    def write_eof(self) -> None:
        """Closes it for writing."""
        if self._wire is not None:
            self._wire.write_eof()

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not taken yet."""
        return len(self._rest) if self._wire is None else self._wire.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """From how many of them on writing pauses, and until when."""
        if self._wire is not None:
            self._wire.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As asyncio's transports have it: `peername` and `socket`."""
        if self._wire is not None:
            return self._wire.get_extra_info(name, default)
        if name == "peername":
            return self._peername
        return self.sock if name == "socket" else default
