"""Listening sockets."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.errors import StartError
from gateway.process.listen_queue import BACKLOG
from gateway.process.unix_socket import SocketFile, bind_unix

DISTRIBUTES = sys.platform == "linux"
"""Only Linux distributes connections over SO_REUSEPORT sockets."""

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
    grpc: bool = False
    """Whether proxies ask there by gRPC, and nothing else is answered."""
    http: tuple[int, ...] = (1,)
    """The versions of HTTP. With others than 1 Envoy listens there, and the address is only kept for it."""

    @property
    def at_edge(self) -> bool:
        """Whether Envoy listens there."""
        return self.http != (1,)

    @property
    def place(self) -> tuple[str, int] | Path:
        """What is bound, whatever is spoken there."""
        return (self.host, self.port) if self.unix is None else self.unix

    def __str__(self) -> str:
        if self.unix is not None:
            return f"unix:{self.unix}"
        scheme = "grpc" if self.grpc else "http"
        return f"{scheme}{'s' if self.tls else ''}://{_bracketed(self.host)}:{self.port}"


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
    activated: bool = False
    """Whether the service manager keeps it open, also when this gateway has gone."""

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
    """Binds all addresses or none, and listens. StartError names the address that can't be bound."""
    with contextlib.ExitStack() as cleanup:
        listeners = []
        for address in addresses:
            listener = bind(address, workers)
            cleanup.callback(listener.close)
            for each in listener.sockets:
                start_listening(each)
            listeners.append(listener)
        cleanup.pop_all()
    return listeners


def start_listening(sock: socket.socket) -> None:
    """From now on clients can connect to a bound socket. StartError if they can't."""
    try:
        if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            sock.listen(BACKLOG)
    except OSError as error:
        name = sock.getsockname()
        where = f"{_bracketed(name[0])}:{name[1]}" if isinstance(name, tuple) else f"unix:{name}"
        raise _listen_error(where, error) from error


def bind(address: ListenAddress, workers: int = 1, beside: Iterable[socket.socket] = ()) -> ListenSocket:
    """Binds an address without listening there yet. StartError if it can't.

    `beside`: sockets of this gateway that may have the same port at another address, such as 0.0.0.0.
    """
    if address.unix is not None:
        return _bind_unix(address, address.unix)
    family, sockaddr = _resolve(address)
    if address.at_edge:
        return _keep_for_edge(address, family, sockaddr)
    neighbours = [each for each in beside if _has_port(each, address.port)]
    if DISTRIBUTES and neighbours:
        return ListenSocket(address, _bind_shared(address, family, sockaddr, workers, neighbours))
    # First without SO_REUSEPORT: otherwise the bind would succeed beside another process that also set it.
    first = _bind_tcp(address, family, sockaddr, shared=False)
    if not DISTRIBUTES or workers == 1:
        return ListenSocket(address, [first])
    sockaddr = first.getsockname()
    # Two that are bound and don't listen would not see each other.
    with contextlib.closing(first):
        start_listening(first)
    return ListenSocket(address, _bind_shared(address, family, sockaddr, workers, []))


def _keep_for_edge(address: ListenAddress, family: int, sockaddr: tuple[Any, ...]) -> ListenSocket:
    """Binds without listening: the address is free, and from now on only this user's Envoy can have it."""
    first = _bind_tcp(address, family, sockaddr, shared=False)
    sockaddr = first.getsockname()
    first.close()
    return ListenSocket(address, [_bind_tcp(address, family, sockaddr, shared=True)])


def listen_for_edge(paths: Iterable[Path]) -> ListenSocket:
    """A socket for each worker, to take requests from the edge. StartError if one can't be bound."""
    opened = listen([ListenAddress("", 0, unix=path, mode=0o600) for path in paths])
    return ListenSocket(opened[0].configured, [each.sockets[0] for each in opened])


def for_workers(listener: ListenSocket, workers: int) -> ListenSocket:
    """The listener with a socket for each worker, where that is possible. It never has fewer than before."""
    more = workers - len(listener.sockets)
    first = listener.sockets[0]
    # The service manager's sockets are shared by the workers: others at the port would be lost with them.
    if (
        listener.configured.at_edge
        or not DISTRIBUTES
        or more <= 0
        or first.family == socket.AF_UNIX
        or listener.activated
    ):
        return listener
    added = _bind_shared(listener.address, first.family, first.getsockname(), more, listener.sockets)
    return replace(listener, sockets=[*listener.sockets, *added])


def _bind_unix(address: ListenAddress, path: Path) -> ListenSocket:
    """One socket for all workers: the kernel has no way to distribute over several with one path."""
    try:
        sock = bind_unix(path, address.mode)
        sock.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
    except OSError as error:
        raise _listen_error(address, error) from error
    return ListenSocket(address, [sock], SocketFile(path))


def _has_port(sock: socket.socket, port: int) -> bool:
    return sock.family != socket.AF_UNIX and sock.getsockname()[1] == port


def _bind_shared(
    address: ListenAddress,
    family: int,
    sockaddr: tuple[Any, ...],
    count: int,
    beside: Iterable[socket.socket],
) -> list[socket.socket]:
    """So many sockets with SO_REUSEPORT, which those that have the port already get, too."""
    for each in beside:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    with contextlib.ExitStack() as cleanup:
        made = []
        for _ in range(count):
            made.append(_bind_tcp(address, family, sockaddr, shared=True))
            cleanup.callback(made[-1].close)
        cleanup.pop_all()
    return made


def _bind_tcp(
    address: ListenAddress, family: int, sockaddr: tuple[Any, ...], *, shared: bool
) -> socket.socket:
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
        sock.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
    except OSError as error:
        sock.close()
        raise _listen_error(address, error) from error
    return sock


def sockaddr_of(address: ListenAddress) -> tuple[Any, ...]:
    """The socket address that is bound. StartError if there is none."""
    return _resolve(address)[1]


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


def _listen_error(address: ListenAddress | str, error: OSError) -> StartError:
    unix = str(address).startswith("unix:")
    reason = "permission denied" if unix and error.errno == errno.EACCES else None
    reason = reason or _REASONS.get(error.errno or 0) or error.strerror or str(error)
    kind = AddressInUseError if error.errno == errno.EADDRINUSE else StartError
    return kind(f"can't listen on {address}: {reason}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
