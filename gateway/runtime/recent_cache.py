"""A cache of what a function returns, which can be looked into without a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from gateway.runtime.caches import CacheBound

R = TypeVar("R")


class RecentCache(Generic[R]):
    """Caches a function of bytes. What is asked for stays, what is not makes room.

    The entries are in three parts. If the first is full, it takes the place of the second, whose entries go
    unless they have been asked for since: then they are in the first again. They go one by one, as others
    come: to free hundreds at once would keep requests waiting.
    """

    __slots__ = ("_function", "_leaving", "_longest", "_older", "_part", "recent")

    def __init__(self, bound: CacheBound, function: Callable[[bytes], R]) -> None:
        """A key above the bound's `key_bytes` is not kept."""
        self._function = function
        self._part, self._longest = bound.entries // 3, bound.key_bytes
        self._older: dict[bytes, R] = {}
        self._leaving: dict[bytes, R] = {}
        self.recent: dict[bytes, R] = {}
        """The first part: whoever finds here what it looks for need not call."""

    def __call__(self, key: bytes) -> R:
        """What the function returns for `key`, now or before."""
        # Before the key is hashed: of a large one that costs more than what it is for.
        if len(key) > self._longest:
            return self._function(key)
        if key in self.recent:
            return self.recent[key]
        found = self._older[key] if key in self._older else self._function(key)
        if self._leaving:
            self._leaving.popitem()
        if len(self.recent) >= self._part:
            self._leaving, self._older, self.recent = self._older, self.recent, {}
        self.recent[key] = found
        return found
