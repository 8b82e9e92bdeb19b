"""The sockets that the gateway listens on."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from dataclasses import dataclass
from typing import Any

from gateway.errors import StartError

BACKLOG = 2048
"""Connections that may wait to be accepted."""

_REASONS = {
    errno.EADDRINUSE: "another program listens there already",
    errno.EACCES: "ports below 1024 need the right to use them",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: `host` is an address or a name, port 0 means any free one."""

    host: str
    port: int
    tls: bool = False

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the connections a worker takes: it is number `slot`, from 0, `of` so many."""

    slot: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that takes connections in the kernel already; nobody accepts them yet.

    It has a socket for each worker, and the kernel spreads connections over them. With one socket for all
    whoever wakes first would take most. No socket is a worker's own: one that ends leaves its to the next.
    """

    asked: Address
    sockets: list[socket.socket]

    @property
    def address(self) -> Address:
        """Where it really listens: with the port that was found, where any free one would do."""
        return Address(self.asked.host, self.sockets[0].getsockname()[1], self.asked.tls)

    def share(self, share: Share) -> list[socket.socket]:
        """The sockets that a worker accepts from: each socket has its worker, each worker its socket."""
        return self.sockets[share.slot :: share.of] or [self.sockets[share.slot % len(self.sockets)]]

    def close(self) -> None:
        for each in self.sockets:
            each.close()


def listen(addresses: list[Address], workers: int = 1) -> list[Listener]:
    """A listener for each address, or none at all: StartError names the address that can't be had."""
    # Elsewhere than on Linux the kernel does not spread connections over sockets of the same address.
    number = workers if sys.platform == "linux" else 1
    with contextlib.ExitStack() as opened:
        listeners = []
        for address in addresses:
            listener = _listener(address, number)
            opened.callback(listener.close)
            listeners.append(listener)
        opened.pop_all()
    return listeners


def _listener(address: Address, number: int) -> Listener:
    family, where = _resolved(address)
    # Alone at first: sockets that share an address would share it with another program's, too.
    first = _bound(address, family, where, shared=False)
    listener = Listener(address, [first])
    if number == 1:
        return listener
    where = first.getsockname()
    first.close()
    listener.sockets.clear()
    try:
        for _ in range(number):
            listener.sockets.append(_bound(address, family, where, shared=True))
    except StartError:
        listener.close()
        raise
    return listener


def _bound(address: Address, family: int, where: tuple[Any, ...], *, shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Every connection inherits these. One whose other end has vanished is found out in the end; small
        # answers leave at once.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # `::` is for IPv6 alone: then `0.0.0.0` beside it works alike on every system.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(where)
        sock.listen(BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
    except OSError as error:
        sock.close()
        raise _failure(address, error) from error
    return sock


def _resolved(address: Address) -> tuple[int, tuple[Any, ...]]:
    try:
        found = socket.getaddrinfo(
            address.host,
            address.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV,
        )
    except OSError as error:
        raise _failure(address, error) from error
    # A name such as `localhost` may stand for both families: IPv4 first, as every client tries it.
    family, _, _, _, where = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, where


def _failure(address: Address, error: OSError) -> StartError:
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return StartError(f"can't listen on {address}: {reason}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
