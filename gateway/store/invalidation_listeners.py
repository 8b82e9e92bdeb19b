"""Several who hear what a link is told, in a fixed order."""

from __future__ import annotations

from typing import Any

from gateway.store.invalidation import InvalidationListener


class InvalidationListeners:
    """Hands on what it hears to all of them."""

    def __init__(self, *listeners: InvalidationListener) -> None:
        self._listeners = list(listeners)

    def add(self, listener: InvalidationListener) -> None:
        """One more hears; to be added before the link starts."""
        self._listeners.append(listener)

    def on_tracking_on(self) -> None:
        """From now on changes are heard of."""
        for listener in self._listeners:
            listener.on_tracking_on()

    def on_tracking_off(self) -> None:
        """Changes may have been missed."""
        for listener in self._listeners:
            listener.on_tracking_off()

    def on_invalidate(self, message: list[Any]) -> None:
        """The server's message."""
        for listener in self._listeners:
            listener.on_invalidate(message)
