"""Base of the caches that the store invalidates (client tracking)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from gateway.runtime.compilation import mypyc_attr
from gateway.store.invalidation import INVALIDATE


@mypyc_attr(allow_interpreted_subclasses=True)
class InvalidatedCache(ABC):
    """A cache that is empty and off while the store sends no invalidations."""

    def __init__(self) -> None:
        self._on = False

    def on_tracking_on(self) -> None:
        """The store sends invalidations from now on."""
        self._on = True

    def on_tracking_off(self) -> None:
        """Invalidations may have been missed."""
        self._on = False
        self.forget_all()

    def on_invalidate(self, message: list[Any]) -> None:
        """Drops what is invalidated: values of some keys, or everything."""
        if message[0] != INVALIDATE:
            return
        if message[1] is None:
            self.forget_all()
        else:
            self.changed(message[1])

    @abstractmethod
    def changed(self, keys: Iterable[bytes]) -> None:
        """Drops what was read from these keys."""

    @abstractmethod
    def forget_all(self) -> None:
        """Drops everything."""
