"""The sockets that the gateway listens on."""

from __future__ import annotations

import contextlib
import errno
import socket
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
class Listener:
    """A socket that takes connections in the kernel already; nobody accepts them yet."""

    asked: Address
    socket: socket.socket

    @property
    def address(self) -> Address:
        """Where it really listens: with the port that was found, where any free one would do."""
        return Address(self.asked.host, self.socket.getsockname()[1], self.asked.tls)

    def close(self) -> None:
        self.socket.close()


def listen(addresses: list[Address]) -> list[Listener]:
    """A listener for each address, or none at all: StartError names the address that can't be had."""
    with contextlib.ExitStack() as opened:
        listeners = []
        for address in addresses:
            listener = Listener(address, _bound(address))
            opened.callback(listener.close)
            listeners.append(listener)
        opened.pop_all()
    return listeners


def _bound(address: Address) -> socket.socket:
    family, where = _resolved(address)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
