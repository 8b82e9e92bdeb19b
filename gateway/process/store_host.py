"""The store that the workers use: the embedded one, kept running, or somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.config.model import Settings
from gateway.config.store import EMBEDDED
from gateway.store.embedded import EmbeddedStore

LOOK = 0.25
"""Seconds between two looks whether the embedded store lives."""


class StoreHost:
    """Lives in the process that starts the workers."""

    def __init__(self, embedded: EmbeddedStore | None = None) -> None:
        self._embedded = embedded

    def url(self, settings: Settings) -> str:
        """Where the store of these settings is."""
        return settings.store.url if self._embedded is None else self._embedded.url

    def ensure(self) -> None:
        """Starts the embedded store anew where it has died. Call it every `LOOK` seconds."""
        if self._embedded is not None:
            self._embedded.ensure()


@contextmanager
def open_store(settings: Settings) -> Iterator[StoreHost]:
    """Starts the embedded store where it is asked for, and ends it in the end. StartError if that fails."""
    if settings.store.url != EMBEDDED:
        yield StoreHost()
        return
    embedded = EmbeddedStore(settings.server.state_dir)
    try:
        embedded.start()
        yield StoreHost(embedded)
    finally:
        embedded.stop()
