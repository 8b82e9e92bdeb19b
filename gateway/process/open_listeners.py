"""The listeners of a gateway while it runs: a reload keeps those it can, adds and takes away."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.listen_queue import refuse_new
from gateway.process.listeners import (
    ListenAddress,
    ListenSocket,
    bind,
    for_workers,
    listen,
    start_listening,
)
from gateway.process.predecessor import bind_after_predecessor
from gateway.process.sockets import ListenSockets, management_address, public_addresses
from gateway.process.worker_count import worker_count

log = logging.getLogger("gatepost")

NOTHING = ListenSockets([], None)


class OpenListeners:
    """Belongs to the process that supervises. Workers get the `ListenSockets` of their configuration."""

    def __init__(self, current: ListenSockets, inherited: ListenSockets = NOTHING) -> None:
        """`inherited`: from the program before, which accepts from them until `take_over`."""
        self.current = current
        self._inherited = inherited

    def take_over(self) -> None:
        """Listens in place of the program before. What only that one had takes no new connections."""
        self.start_listening()
        for listener in self._inherited.all:
            if listener.file is not None:
                listener.file.own()
        _log_changes(self._inherited, self.current)
        _drop(self._inherited, keep=self.current)
        for listener in self.current.public:
            _set_mode(listener)
        self._inherited = NOTHING

    def start_listening(self) -> None:
        """From now on clients can connect to all that are bound. StartError if they can't."""
        for listener in self.current.public:
            for sock in () if listener.configured.at_edge else listener.sockets:
                start_listening(sock)

    def give_away(self) -> None:
        """The next program accepts from now on; this process has none any more."""
        for listener in self.current.all:
            if listener.file is not None:
                listener.file.disown()
            listener.close()

    def release_in_worker(self) -> None:
        """For a forked worker: what is inherited and not used ends when its supervisor says so."""
        kept = [sock for listener in self.current.all for sock in listener.sockets]
        for sock in (sock for listener in self._inherited.all for sock in listener.sockets):
            if sock not in kept:
                sock.close()

    def prepare(self, settings: Settings) -> ListenSockets:
        """The sockets for other settings: those that are open already, and new ones, bound and not listening.

        StartError names the address that can't be bound; nothing has changed then.
        """
        workers, unused = worker_count(settings), list(self.current.public)
        ours = [sock for listener in unused for sock in listener.sockets]
        prepared: list[ListenSocket] = []
        with ExitStack() as cleanup:
            for address in public_addresses(settings):
                known = _take(unused, address)
                if known is not None and known.configured.at_edge != address.at_edge:
                    raise StartError(f"{address} can't change to the edge while it is open: restart for that")
                if known is not None:
                    listener = for_workers(replace(known, configured=address), workers)
                else:
                    listener = bind(address, workers, ours)
                prepared.append(listener)
                cleanup.callback(_close, listener, keep=ours)
            cleanup.pop_all()
        return ListenSockets(prepared, self.current.management)

    def adopt(self, prepared: ListenSockets) -> None:
        """These are in use now. What is not among them takes no new connections."""
        _log_changes(self.current, prepared)
        previous, self.current = self.current, prepared
        _drop(previous, keep=prepared)
        for listener in prepared.public:
            _set_mode(listener)

    def discard(self, prepared: ListenSockets) -> None:
        """These are not to be used after all: what is new among them takes no new connections."""
        _drop(prepared, keep=self.current)


@contextmanager
def open_listeners(
    settings: Settings, given: ListenSockets = NOTHING, *, inherited: bool = False
) -> Iterator[OpenListeners]:
    """Binds all sockets that are not `given`, or none; closes at exit what is open then.

    `inherited`: they are the program's before. StartError names the address that can't be bound.
    """
    opened = OpenListeners(given, given if inherited else NOTHING)
    try:
        opened.current = opened.prepare(settings)
        if not inherited:
            # Connections that come to a socket of a program that fails would be lost.
            opened.start_listening()
        management = management_address(settings)
        known = given.management
        if known is not None and (management is None or known.configured.place != management.place):
            opened.current = replace(opened.current, management=None)
        if management is not None and opened.current.management is None:
            # One socket: any worker can answer for all of them.
            taken = bind_after_predecessor(management, lambda: listen([management])[0])
            opened.current = replace(opened.current, management=taken)
        yield opened
    finally:
        for listener in opened.current.all:
            listener.close()


def _take(unused: list[ListenSocket], address: ListenAddress) -> ListenSocket | None:
    for index, listener in enumerate(unused):
        if listener.configured.place == address.place:
            return unused.pop(index)
    return None


def _drop(dropped: ListenSockets, keep: ListenSockets) -> None:
    kept = [sock for listener in keep.all for sock in listener.sockets]
    for listener in dropped.all:
        _close(listener, kept)


def _close(listener: ListenSocket, keep: list[socket.socket]) -> None:
    """Ends the listener, as far as its sockets are not among `keep`, for this process.

    Workers accept what is in its queue.
    """
    going = [sock for sock in listener.sockets if sock not in keep]
    for sock in going:
        if not listener.activated and not listener.configured.at_edge:
            refuse_new(sock)
        sock.close()
    if listener.file is not None and len(going) == len(listener.sockets):
        listener.file.remove()


def _set_mode(listener: ListenSocket) -> None:
    path, mode = listener.configured.unix, listener.configured.mode
    if path is not None and listener.file is not None and _mode_of(path) != mode:
        try:
            os.chmod(path, mode)
        except OSError as error:
            log.warning("can't set the permissions of %s: %s", path, error.strerror)


def _mode_of(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_mode & 0o777
    return None


def _log_changes(before: ListenSockets, after: ListenSockets) -> None:
    was, now = ([str(each.address) for each in sockets.public] for sockets in (before, after))
    for address in now:
        if address not in was:
            log.info("listening on %s", address)
    for address in was:
        if address not in now:
            log.info("no longer listening on %s", address)
