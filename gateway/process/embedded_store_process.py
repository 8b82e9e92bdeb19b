"""The store the workers use: external, or an embedded server that is restarted when it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.config.model import Settings
from gateway.config.store import EMBEDDED
from gateway.store.embedded import EmbeddedStore, StoreInheritance

CHECK_INTERVAL = 0.4
"""Seconds between two checks whether the embedded store is running."""


class StoreProcess:
    """Runs in the supervising process, not in the workers. `embedded` is None for an external store."""

    def __init__(self, embedded: EmbeddedStore | None = None, *, inherited: bool = False) -> None:
        self._embedded = embedded
        self.inherited = inherited
        """Whether the embedded store was started by the program before."""

    def url(self, settings: Settings) -> str:
        """The URL the workers connect to."""
        return settings.store.url if self._embedded is None else self._embedded.url

    @property
    def inheritance(self) -> StoreInheritance | None:
        """What the next program needs to take the embedded store over; None: there is nothing to take."""
        return None if self._embedded is None else self._embedded.inheritance

    def await_ready(self) -> None:
        """Returns when the embedded store answers. StartError if it does not."""
        if self._embedded is not None and not self.inherited:
            self._embedded.await_ready()

    def take_over(self) -> None:
        """The embedded store of the program before belongs to this process now."""
        if self._embedded is not None and self.inherited:
            self._embedded.take_over()

    def give_away(self) -> None:
        """The embedded store belongs to the next program now."""
        if self._embedded is not None:
            self._embedded.give_away()

    def hand_over(self) -> None:
        """Lets a successor take the embedded store. Call it when the shutdown begins."""
        if self._embedded is not None:
            self._embedded.hand_over()

    def release_in_worker(self) -> None:
        """For a forked worker: it does not hold the embedded store's directory."""
        if self._embedded is not None:
            self._embedded.release_in_worker()

    def ensure(self) -> None:
        """Restarts the embedded store if it has died or hangs. Call it every `CHECK_INTERVAL` seconds."""
        if self._embedded is not None:
            self._embedded.ensure()


@contextmanager
def open_store(settings: Settings, given: StoreInheritance | None = None) -> Iterator[StoreProcess]:
    """Runs the embedded store, if configured, while the context is open. StartError if it can't start.

    It answers when `await_ready` has returned.
    `given`: the one of the program before, which is used where it is in the configured directory.
    """
    if settings.store.url != EMBEDDED:
        yield StoreProcess()
        return
    embedded = EmbeddedStore(settings.server.state_dir)
    inherited = given is not None and given.state_dir == str(settings.server.state_dir.absolute())
    try:
        if given is not None and inherited:
            embedded.use(given)
        else:
            embedded.begin()
        yield StoreProcess(embedded, inherited=inherited)
    finally:
        embedded.stop()
