"""What a running program passes to the next one: descriptors, named in an environment variable.

The next program is started with the same command line. It inherits the listening sockets, and accepts from
them when it is ready.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.process.listeners import ListenAddress, ListenSocket
from gateway.process.sockets import ListenSockets
from gateway.process.unix_socket import SocketFile
from gateway.store.embedded import StoreInheritance

VARIABLE = "GATEPOST_UPGRADE"
"""Names what is passed. It is removed as soon as it is read."""


@dataclass(frozen=True, slots=True)
class PassedListener:
    """A listener with the descriptors of its sockets."""

    host: str
    port: int
    """As configured."""
    unix: str | None
    activated: bool
    descriptors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Handover:
    """All that is passed. The numbers are descriptors."""

    link: int
    """A socket to the program before."""
    errors: int
    """Standard error, which is a pipe to the program before until the configuration is loaded."""
    earlier_links: tuple[int, ...]
    """Those of programs before that one, which may still finish what they have begun."""
    public: tuple[PassedListener, ...]
    management: PassedListener | None
    store: StoreInheritance | None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All of them."""
        passed = [*self.public, *([self.management] if self.management is not None else [])]
        sockets = [number for listener in passed for number in listener.descriptors]
        store = self.store.descriptors if self.store is not None else ()
        return self.link, self.errors, *self.earlier_links, *sockets, *store

    @property
    def listeners(self) -> ListenSockets:
        """The listening sockets, in the process that they were passed to. Call it once."""
        management = None if self.management is None else _opened(self.management)
        return ListenSockets([_opened(each) for each in self.public], management)

    def to_json(self) -> str:
        """As the value of the variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Handover:
        """The reverse of `to_json`."""
        members: dict[str, Any] = json.loads(text)
        management, store = members["management"], members["store"]
        return cls(
            members["link"],
            members["errors"],
            tuple(members["earlier_links"]),
            tuple(_listener(each) for each in members["public"]),
            None if management is None else _listener(management),
            None if store is None else StoreInheritance(**{**store, "lifeline": tuple(store["lifeline"])}),
        )


def passed(listener: ListenSocket) -> PassedListener:
    """A listener, as it is passed."""
    address = listener.configured
    unix = None if address.unix is None else str(address.unix)
    descriptors = tuple(sock.fileno() for sock in listener.sockets)
    return PassedListener(address.host, address.port, unix, listener.activated, descriptors)


def take_handover(environment: MutableMapping[str, str]) -> Handover | None:
    """What was passed to this process, which its own children don't find; None: nothing was."""
    text = environment.pop(VARIABLE, "")
    if not text:
        return None
    handover = Handover.from_json(text)
    for number in handover.descriptors:
        os.set_inheritable(number, False)  # noqa: FBT003 (the standard library's spelling)
    return handover


def with_handover(environment: Mapping[str, str], handover: Handover) -> dict[str, str]:
    """The environment of the next program."""
    return {**environment, VARIABLE: handover.to_json()}


def _listener(members: dict[str, Any]) -> PassedListener:
    return PassedListener(**{**members, "descriptors": tuple(members["descriptors"])})


def _opened(listener: PassedListener) -> ListenSocket:
    path = None if listener.unix is None else Path(listener.unix)
    sockets = [socket.socket(fileno=number) for number in listener.descriptors]
    for each in sockets:
        each.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
    # Whoever started a socket of systemd's at a path did not make its file.
    file = None if path is None or listener.activated else SocketFile(path, owned=False)
    address = ListenAddress(listener.host, listener.port, unix=path)
    return ListenSocket(address, sockets, file, listener.activated)
