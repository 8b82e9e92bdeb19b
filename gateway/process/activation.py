"""Socket activation: listening sockets that the service manager has opened (systemd's sd_listen_fds(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.listeners import ListenAddress, ListenSocket, sockaddr_of
from gateway.process.sockets import ListenSockets, management_address, public_addresses

FIRST = 3
"""The first descriptor that is passed: SD_LISTEN_FDS_START."""
PID, COUNT, NAMES = "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"


@dataclass(frozen=True, slots=True)
class ActivatedSocket:
    """A listening socket with its name in the unit (`FileDescriptorName=`)."""

    name: str
    sock: socket.socket

    def __str__(self) -> str:
        name = self.sock.getsockname()
        where = f"{name[0]} port {name[1]}" if isinstance(name, tuple) else f"unix:{name}"
        return f"{self.name} ({where})"


def activated_sockets(environment: MutableMapping[str, str]) -> list[ActivatedSocket]:
    """The sockets that are passed to this process. Its own child processes find none.

    StartError if one of them is not a listening stream socket.
    """
    pid, count, names = (environment.pop(key, "") for key in (PID, COUNT, NAMES))
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    named = dict(enumerate(names.split(":")))
    sockets = (_socket(FIRST + index) for index in range(int(count)))
    return [ActivatedSocket(named.get(index) or "unknown", sock) for index, sock in enumerate(sockets)]


def place_activated(given: list[ActivatedSocket], settings: Settings) -> ListenSockets:
    """The listeners of `settings` that have their sockets already.

    StartError if a socket is for none of them: whoever connects there would wait in vain.
    """
    unused = list(given)
    addresses = public_addresses(settings)
    management = management_address(settings)
    wanted = [*addresses, *([management] if management else [])]
    found: dict[int, ListenSocket] = {}
    for index, address in enumerate(wanted):
        matching = next((one for one in unused if _is_at(one.sock, address)), None)
        if matching is not None:
            unused.remove(matching)
            found[index] = ListenSocket(address, [matching.sock], activated=True)
    if unused:
        names = ", ".join(str(one) for one in unused)
        raise StartError(f"no listener of server.listen is at the socket of the service manager: {names}")
    public = [found[index] for index in range(len(addresses)) if index in found]
    return ListenSockets(public, found.get(len(addresses)))


def _socket(descriptor: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=descriptor)
        listening = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise StartError(f"descriptor {descriptor} of the service manager: {error.strerror}") from None
    if not listening or sock.type != socket.SOCK_STREAM:
        raise StartError(f"descriptor {descriptor} of the service manager is not a listening stream socket")
    if sock.family == socket.AF_INET6 and not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        # Clients would have addresses such as ::ffff:192.0.2.7, which no rule about 192.0.2.7 would meet.
        raise StartError(
            f"descriptor {descriptor} of the service manager takes IPv4 and IPv6: "
            "write ListenStream=0.0.0.0:PORT, or BindIPv6Only=ipv6-only"
        )
    sock.set_inheritable(False)
    sock.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _is_at(sock: socket.socket, address: ListenAddress) -> bool:
    name = sock.getsockname()
    if address.unix is not None:
        return sock.family == socket.AF_UNIX and name == str(address.unix.absolute())
    return sock.family != socket.AF_UNIX and name[:2] == sockaddr_of(address)[:2]
