"""This program takes another one's place: what it has got, and when it is in charge."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from gateway import __version__
from gateway.errors import StartError
from gateway.process.handover import take_handover
from gateway.process.sockets import ListenSockets
from gateway.store.embedded import StoreInheritance

MAX_MESSAGE = 64 * 1024
STANDARD_ERROR = 2


class Takeover:
    """Until `poll` returns something, the program before is in charge and this one may still fail."""

    def __init__(
        self,
        link: socket.socket,
        listeners: ListenSockets,
        store: StoreInheritance | None,
        earlier_links: tuple[int, ...] = (),
    ) -> None:
        self._link = link
        self._link.setblocking(False)  # noqa: FBT003 (the standard library's spelling)
        self._earlier_links = [socket.socket(fileno=number) for number in earlier_links]
        self.listeners = listeners
        """The listening sockets of the program before."""
        self.store = store
        """Its embedded store, if it has one."""
        self._received = b""
        self._told = False
        self.complete = False
        """Whether this program is in charge."""

    @property
    def links(self) -> tuple[int, ...]:
        """The descriptors by which programs before this one hear that it shuts down; empty after `close`."""
        return tuple(link.fileno() for link in self._all_links if link.fileno() >= 0)

    def ready(self, *, takes_store: bool) -> None:
        """Tells the program before that this one serves."""
        if not self._told:
            self._told = True
            self._tell({"version": __version__, "store": takes_store})

    def failed(self, reason: str) -> None:
        """Tells the program before why this one does not serve."""
        self._tell({"failure": reason})

    def poll(self) -> dict[str, Any] | None:
        """Reports of the program before, once this one is in charge; None: it is not, or was already.

        Never waits. StartError: the program before has died, and has left its sockets in whatever state.
        """
        if self.complete:
            return None
        try:
            while chunk := self._link.recv(MAX_MESSAGE):
                self._received += chunk
        except BlockingIOError:
            if not self._received.endswith(b"\n"):
                return None
        except OSError:
            self._received = b""
        if not self._received.endswith(b"\n"):
            raise StartError("the program that was to be replaced has ended")
        self.complete = True
        reports: dict[str, Any] = json.loads(self._received)
        return reports

    def shut_down(self) -> None:
        """This program shuts down: what is left of programs before must end, too."""
        if self.complete:
            for link in self._all_links:
                with suppress(OSError):
                    link.shutdown(socket.SHUT_WR)

    def await_end(self, seconds: float) -> None:
        """After `shut_down`: waits until the programs before have ended. Whoever watches this one ends them
        when it ends.
        """
        deadline = time.monotonic() + seconds
        waiting = [link for link in self._all_links if link.fileno() >= 0]
        while waiting and (left := deadline - time.monotonic()) > 0:
            for link in select.select(waiting, [], [], left)[0]:
                with suppress(OSError):
                    if link.recv(MAX_MESSAGE):
                        continue
                waiting.remove(link)

    def close(self) -> None:
        """This process tells the programs before nothing any more: another does."""
        for link in self._all_links:
            link.close()

    @property
    def _all_links(self) -> list[socket.socket]:
        return [self._link, *self._earlier_links]

    def _tell(self, message: dict[str, Any]) -> None:
        with suppress(OSError):
            self._link.sendall(json.dumps(message).encode() + b"\n")


def begin_takeover(environment: MutableMapping[str, str]) -> Takeover | None:
    """What the program before has passed to this one; None: there is none. Call it once.

    From now on standard error is that program's.
    """
    handover = take_handover(environment)
    if handover is None:
        return None
    os.dup2(handover.errors, STANDARD_ERROR)
    os.close(handover.errors)
    link = socket.socket(fileno=handover.link)
    return Takeover(link, handover.listeners, handover.store, handover.earlier_links)
