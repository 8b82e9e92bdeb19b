"""A cache of what a function returns, which can be looked into without a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.runtime.caches import CacheBound

R = TypeVar("R")


class RecentCache(Generic[R]):
    """Caches a function of bytes. What is asked for stays, what is not makes room.

    The entries are in two halves. If the first is full, it takes the place of the second, whose entries go
    unless they have been asked for since: then they are in the first again.
    """

    __slots__ = ("_function", "_half", "_longest", "_older", "recent")

    def __init__(self, bound: CacheBound, function: Callable[[bytes], R]) -> None:
        """A key above the bound's `key_bytes` is not kept."""
        self._function = function
        self._half, self._longest = bound.entries // 2, bound.key_bytes
        self._older: dict[bytes, R] = {}
        self.recent: dict[bytes, R] = {}
        """The first half: whoever finds here what it looks for need not call."""

    def __call__(self, key: bytes) -> R:
        """What the function returns for `key`, now or before."""
        # Before the key is hashed: of a large one that costs more than what it is for.
        if len(key) > self._longest:
            return self._function(key)
        if key in self.recent:
            return self.recent[key]
        found = self._older[key] if key in self._older else self._function(key)
        if len(self.recent) >= self._half:
            self._older, self.recent = self.recent, {}
        self.recent[key] = found
        return found
