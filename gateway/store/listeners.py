"""Several who hear what a link is told, in a fixed order."""

from __future__ import annotations

from typing import Any

from gateway.store.listener import Listener


class Listeners:
    """Hands on what it hears to all of them."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = list(listeners)

    def add(self, listener: Listener) -> None:
        """One more hears; to be added before the link starts."""
        self._listeners.append(listener)

    def up(self) -> None:
        """From now on changes are heard of."""
        for listener in self._listeners:
            listener.up()

    def down(self) -> None:
        """Changes may have been missed."""
        for listener in self._listeners:
            listener.down()

    def push(self, message: list[Any]) -> None:
        """The server's message."""
        for listener in self._listeners:
            listener.push(message)
