"""A cache of values read from the store, dropped when their keys are invalidated."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from gateway.store.invalidated_cache import InvalidatedCache

Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value")


class TrackedCache(InvalidatedCache, Generic[Name, Value]):
    """Values by name, each with the keys that it was read from.

    A listener of the store's connection, in order with its replies: what is put while a reply is decoded
    is never put after its invalidation. Bounded: with more than `limit` entries, or more than `most_bytes` in
    sum of their sizes, the oldest are evicted.
    """

    def __init__(self, limit: int = 10_000, most_bytes: int | None = None) -> None:
        super().__init__()
        self._limit = limit
        self._most_bytes = most_bytes
        self._bytes = 0
        self._sizes: dict[Name, int] = {}
        # A plain dict takes long to find its first entry, once many before it were deleted.
        self._values: OrderedDict[Name, Value] = OrderedDict()
        self._keys: dict[Name, tuple[bytes, ...]] = {}
        self._names: dict[bytes, set[Name]] = {}

    @property
    def size(self) -> int:
        """Number of entries. (No `__len__`: an empty cache must not be false.)"""
        return len(self._values)

    def get(self, name: Name) -> Value | None:
        """The value of this name; None where it is not cached."""
        return self._values.get(name)

    def put(self, name: Name, value: Value, keys: Iterable[str], size: int = 0) -> None:
        """Caches a value until one of the keys changes. All of them must have been read, so that the store
        sends invalidations for them. `size`: its bytes, where entries differ in size.
        """
        if not self._on:
            return
        self.forget(name)
        if len(self._values) >= self._limit:
            self.forget(next(iter(self._values)))
        if self._most_bytes is not None and not self._make_room(name, size, self._most_bytes):
            return
        self._values[name] = value
        self._keys[name] = read = tuple(key.encode("utf-8", "surrogatepass") for key in keys)
        for key in read:
            self._names.setdefault(key, set()).add(name)

    def _make_room(self, name: Name, size: int, most: int) -> bool:
        """False: it is larger than all may be together."""
        if size > most:
            return False
        while self._bytes + size > most:
            self.forget(next(iter(self._values)))
        self._bytes += size
        self._sizes[name] = size
        return True

    def forget(self, name: Name) -> None:
        """Drops the value of this name."""
        if self._values.pop(name, None) is None:
            return
        self._bytes -= self._sizes.pop(name, 0)
        for key in self._keys.pop(name):
            names = self._names[key]
            names.discard(name)
            if not names:
                del self._names[key]

    def changed(self, keys: Iterable[bytes]) -> None:
        """Drops the values that were read from these keys."""
        for key in keys:
            for name in tuple(self._names.get(key, ())):
                self.forget(name)

    def forget_all(self) -> None:
        """Drops everything."""
        self._values.clear()
        self._sizes.clear()
        self._bytes = 0
        self._keys.clear()
        self._names.clear()
