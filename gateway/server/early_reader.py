"""Reads from connections that were just accepted, before the event loop watches them."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterable
from typing import Final

from gateway.server.accepted_transport import AcceptedTransport, MovableProtocol

RECEIVE: Final = 65_536
"""Bytes that are read at once."""

PATIENCE = 0.05
"""Seconds. After one to two times as long, the event loop watches a connection. Until then it is not seen
that a client has gone whose last response is awaited."""

SUPPORTED: Final = hasattr(select, "epoll")

Accepted = tuple[int, object]
"""The descriptor of a connection, and the name of its other end."""

Watch = Callable[[AcceptedTransport, int], socket.SocketType]
"""Has the event loop watch a descriptor, with the transport as protocol. Returns the socket made of it."""


class EarlyReader:
    """Those of one listening socket.

    Those of which nothing has come yet are waited for together, by one descriptor: it is all that the event
    loop knows of them.
    """

    def __init__(
        self,
        kind: tuple[socket.AddressFamily, socket.SocketKind],
        protocol: Callable[[object], MovableProtocol | None],
        watch: Watch,
    ) -> None:
        """`kind`: of the sockets. `protocol` makes a connection's, which is from this name; None: it must
        be closed.
        """
        self._loop = asyncio.get_running_loop()
        self._kind = kind
        self._protocol = protocol
        self._watch = watch
        self._buffer = memoryview(bytearray(RECEIVE))
        self._silent: dict[int, AcceptedTransport] = {}
        """Those that are waited for, by descriptor."""
        self._young, self._older = set[AcceptedTransport](), set[AcceptedTransport]()
        """All, and those that were there when the timer last ran."""
        self._timer: asyncio.TimerHandle | None = None
        self._epoll = select.epoll()
        self._loop.add_reader(self._epoll.fileno(), self._read_silent)

    def close(self) -> None:
        """Leaves all to the event loop."""
        for transport in (*self._young, *self._older):
            transport.watch()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def begin(self, accepted: Iterable[Accepted]) -> None:
        """Makes the protocol of each, and gives it what has come of the first request."""
        for descriptor, peername in accepted:
            sock = socket.SocketType(*self._kind, 0, descriptor)
            protocol = self._protocol(peername)
            if protocol is None:
                sock.close()
                continue
            transport = AcceptedTransport(sock, peername, protocol, self._loop, self)
            if transport.connect():
                self._young.add(transport)
                self._read(transport)
        if self._timer is None and self._young:
            self._timer = self._loop.call_later(PATIENCE, self._watch_older)

    def _read(self, transport: AcceptedTransport) -> None:
        try:
            size = transport.sock.recv_into(self._buffer, 0, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            transport.abort()
            return
        else:
            if not transport.received(self._buffer[:size].tobytes()):
                return
        descriptor = transport.sock.fileno()
        if descriptor not in self._silent:
            self._epoll.register(descriptor, select.EPOLLIN)
            self._silent[descriptor] = transport

    def _read_silent(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            transport = self._silent.get(descriptor)
            if transport is not None:
                self._read(transport)

    def _watch_older(self) -> None:
        older, self._older, self._young = self._older, self._young, set()
        for transport in list(older):
            transport.watch()
        waiting = bool(self._older)
        self._timer = self._loop.call_later(PATIENCE, self._watch_older) if waiting else None

    # What a transport calls.

    def leave(self, transport: AcceptedTransport) -> None:
        """It is about to be closed, which ends waiting for it, too."""
        self._young.discard(transport)
        self._older.discard(transport)
        self._silent.pop(transport.sock.fileno(), None)

    def watch(self, transport: AcceptedTransport) -> socket.SocketType:
        """Leaves it to the event loop."""
        if transport.sock.fileno() in self._silent:
            self._epoll.unregister(transport.sock.fileno())
        self.leave(transport)
        return self._watch(transport, transport.sock.detach())
