"""What a worker remembers of the store, as long as the store would say that it has changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from gateway.store.listener import INVALIDATE


class Memory(ABC):
    """A listener that remembers: empty and off while changes can't be heard of."""

    def __init__(self) -> None:
        self._on = False

    def up(self) -> None:
        """From now on the store says what changes."""
        self._on = True

    def down(self) -> None:
        """Changes may have been missed."""
        self._on = False
        self.forget_all()

    def push(self, message: list[Any]) -> None:
        """Forgets what the store says has changed; everything where it says so."""
        if message[0] != INVALIDATE:
            return
        if message[1] is None:
            self.forget_all()
        else:
            self.changed(message[1])

    @abstractmethod
    def changed(self, keys: Iterable[bytes]) -> None:
        """Forgets what was read from these keys."""

    @abstractmethod
    def forget_all(self) -> None:
        """Forgets everything."""
