"""Listening sockets."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.errors import StartError
from gateway.process.unix_socket import SocketFile, bind_unix

BACKLOG = 2048
"""The `listen(2)` backlog."""

_REASONS = {
    errno.EADDRINUSE: "address already in use by another process",
    errno.EACCES: "permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)",
    errno.ENOENT: "the directory does not exist",
    errno.EADDRNOTAVAIL: "address not available: no network interface has it",
}


class AddressInUseError(StartError):
    """Another process listens there."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Address to bind. `host` is an IP address or a host name; port 0 picks a free port."""

    host: str
    port: int
    tls: bool = False
    unix: Path | None = None
    """The path of a Unix socket; host and port then mean nothing."""
    mode: int = 0o660
    """Permissions of the Unix socket's file."""

    def __str__(self) -> str:
        if self.unix is not None:
            return f"unix:{self.unix}"
        return f"{'https' if self.tls else 'http'}://{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """Which listening sockets a worker accepts from: worker number `slot` (from 0) of `of` workers."""

    slot: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True)
class ListenSocket:
    """A bound address in the listening state.

    It has one SO_REUSEPORT socket per worker, and the kernel distributes connections over them. With one
    shared socket the worker that wakes first would accept most. The sockets outlive workers: a replacement
    inherits them.
    """

    configured: ListenAddress
    sockets: list[socket.socket]
    file: SocketFile | None = None
    """The file of a Unix socket."""

    @property
    def address(self) -> ListenAddress:
        """The bound address, with the actual port if port 0 was configured."""
        if self.configured.unix is not None:
            return self.configured
        return replace(self.configured, port=self.sockets[0].getsockname()[1])

    def share(self, share: WorkerShare) -> list[socket.socket]:
        """The sockets a worker accepts from: every socket has a worker, every worker at least one socket."""
        return self.sockets[share.slot :: share.of] or [self.sockets[share.slot % len(self.sockets)]]

    def close(self) -> None:
        for each in self.sockets:
            each.close()
        if self.file is not None:
            self.file.remove()


def listen(addresses: list[ListenAddress], workers: int = 1) -> list[ListenSocket]:
    """Binds all addresses or none. StartError names the address that can't be bound."""
    # Only Linux distributes connections over SO_REUSEPORT sockets.
    count = workers if sys.platform == "linux" else 1
    with contextlib.ExitStack() as cleanup:
        listeners = []
        for address in addresses:
            listener = _listen_on(address, count)
            cleanup.callback(listener.close)
            listeners.append(listener)
        cleanup.pop_all()
    return listeners


def _listen_on_unix(address: ListenAddress, path: Path) -> ListenSocket:
    """One socket for all workers: the kernel has no way to distribute over several with one path."""
    try:
        sock = bind_unix(path, address.mode)
        sock.listen(BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
    except OSError as error:
        raise _listen_error(address, error) from error
    return ListenSocket(address, [sock], SocketFile(path))


def _listen_on(address: ListenAddress, count: int) -> ListenSocket:
    if address.unix is not None:
        return _listen_on_unix(address, address.unix)
    family, sockaddr = _resolve(address)
    # First without SO_REUSEPORT: otherwise the bind would succeed beside another process that also set it.
    first = _bind(address, family, sockaddr, shared=False)
    listener = ListenSocket(address, [first])
    if count == 1:
        return listener
    sockaddr = first.getsockname()
    first.close()
    listener.sockets.clear()
    try:
        for _ in range(count):
            listener.sockets.append(_bind(address, family, sockaddr, shared=True))
    except StartError:
        listener.close()
        raise
    return listener


def _bind(address: ListenAddress, family: int, sockaddr: tuple[Any, ...], *, shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit these: keepalive detects dead peers, TCP_NODELAY avoids Nagle's delay.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # Makes `::` and `0.0.0.0` usable side by side on every system.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(sockaddr)
        sock.listen(BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
    except OSError as error:
        sock.close()
        raise _listen_error(address, error) from error
    return sock


def _resolve(address: ListenAddress) -> tuple[int, tuple[Any, ...]]:
    try:
        candidates = socket.getaddrinfo(
            address.host,
            address.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV,
        )
    except OSError as error:
        raise _listen_error(address, error) from error
    # `localhost` may resolve to both families; IPv4 is reachable by every client.
    family, _, _, _, sockaddr = min(candidates, key=lambda entry: entry[0] != socket.AF_INET)
    return family, sockaddr


def _listen_error(address: ListenAddress, error: OSError) -> StartError:
    reason = "permission denied" if address.unix is not None and error.errno == errno.EACCES else None
    reason = reason or _REASONS.get(error.errno or 0) or error.strerror or str(error)
    kind = AddressInUseError if error.errno == errno.EADDRINUSE else StartError
    return kind(f"can't listen on {address}: {reason}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
