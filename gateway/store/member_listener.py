"""What one of several servers says of changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class MemberListener:
    """Hands on what a link to one master hears (`gateway.store.invalidation.InvalidationListener`)."""

    def __init__(
        self,
        on: Callable[[], None],
        off: Callable[[], None],
        invalidate: Callable[[list[Any]], None],
    ) -> None:
        self._on = on
        self._off = off
        self._invalidate = invalidate

    def on_tracking_on(self) -> None:
        """From now on changes are heard of."""
        self._on()

    def on_tracking_off(self) -> None:
        """Changes may have been missed."""
        self._off()

    def on_invalidate(self, message: list[Any]) -> None:
        """The server's message."""
        self._invalidate(message)
