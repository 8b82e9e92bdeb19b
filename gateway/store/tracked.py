"""What was read from the store, kept as long as the store would say that it has changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from gateway.store.memory import Memory

Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value")


class Tracked(Memory, Generic[Name, Value]):
    """Facts by name, each with the keys that it was read from.

    It hears from the store's link, in order with its answers: what is put where an answer is decoded never
    comes in after a change. Bounded: with more than `limit` entries the oldest make room.
    """

    def __init__(self, limit: int = 10_000) -> None:
        super().__init__()
        self._limit = limit
        # Of a plain dict that loses its oldest entries the first one takes long to find.
        self._values: OrderedDict[Name, Value] = OrderedDict()
        self._keys: dict[Name, tuple[bytes, ...]] = {}
        self._names: dict[bytes, set[Name]] = {}

    @property
    def size(self) -> int:
        """How many facts are known. (No `__len__`: an empty memory must not pass for none.)"""
        return len(self._values)

    def get(self, name: Name) -> Value | None:
        """What is known under this name; None where nothing is."""
        return self._values.get(name)

    def put(self, name: Name, value: Value, keys: Iterable[str]) -> None:
        """Keeps a fact until one of the keys changes. All of them must have been read, so that the store
        tells of it.
        """
        if not self._on:
            return
        self.forget(name)
        if len(self._values) >= self._limit:
            self.forget(next(iter(self._values)))
        self._values[name] = value
        self._keys[name] = read = tuple(key.encode("utf-8", "surrogatepass") for key in keys)
        for key in read:
            self._names.setdefault(key, set()).add(name)

    def forget(self, name: Name) -> None:
        """Drops what is known under this name."""
        if self._values.pop(name, None) is None:
            return
        for key in self._keys.pop(name):
            names = self._names[key]
            names.discard(name)
            if not names:
                del self._names[key]

    def changed(self, keys: Iterable[bytes]) -> None:
        """Drops what was read from these keys."""
        for key in keys:
            for name in tuple(self._names.get(key, ())):
                self.forget(name)

    def forget_all(self) -> None:
        """Drops everything."""
        self._values.clear()
        self._keys.clear()
        self._names.clear()
