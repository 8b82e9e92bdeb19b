"""The bounds of all caches: how many entries each has, how large a key may be, how many bytes all may take.

A cache without a bound in bytes is a way to fill the memory: 1,000 entries are nothing with keys of 20 bytes,
and a lot with headers of 30 kB. So each cache registers its bound here. A test fills every registered cache
with the largest input that it takes; another one finds caches that are not registered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

P = ParamSpec("P")
R = TypeVar("R")
Key = TypeVar("Key", bytes, str)

KIB: Final = 1024
MIB: Final = 1024 * KIB


@dataclass(frozen=True, slots=True)
class CacheBound:
    """The bound of one cache."""

    name: str
    """What is cached, in words."""
    module: str
    """The module that holds the cache."""
    entries: int
    """How many there are at most; least recently used or oldest ones make room."""
    key_bytes: int
    """A larger key is not remembered. 0: keys have a fixed size."""
    total_bytes: int
    """The most that all entries take, with keys, values and what Python adds to each."""

    @property
    def file(self) -> str:
        """The module's file, as the documentation names it: relative to `gateway/`."""
        return f"{self.module.removeprefix('gateway.').replace('.', '/')}.py"


BOUNDS: Final[dict[str, CacheBound]] = {}
"""All registered bounds, by name. A module registers when it is imported."""


def register(name: str, module: str, *, entries: int, key_bytes: int = 0, total_bytes: int) -> CacheBound:
    """Registers a cache's bound, once. Raises ValueError where the name is taken."""
    if name in BOUNDS:
        raise ValueError(f"there is a cache {name} already")
    bound = BOUNDS[name] = CacheBound(name, module, entries, key_bytes, total_bytes)
    return bound


def texts_bytes(texts: Collection[str]) -> int:
    """How many bytes of memory texts take as parts of a cached object, each with its place; never too few."""
    # An ASCII text takes 49 bytes and itself; another one up to four bytes a character. Interned ones take
    # up to 70 more, since CPython has a table of these.
    together = "".join(texts)
    if together.isascii():
        return 136 * len(texts) + len(together)
    return sum([136 + (len(text) if text.isascii() else 28 + 4 * len(text)) for text in texts])


def cached(bound: CacheBound) -> Callable[[Callable[[Key], R]], Callable[[Key], R]]:
    """Caches a function of one text, least recently used first out. A text above `key_bytes` is not kept."""

    def decorate(function: Callable[[Key], R]) -> Callable[[Key], R]:
        remembered, longest = lru_cache(maxsize=bound.entries)(function), bound.key_bytes

        @wraps(function)
        def call(key: Key) -> R:
            # Before the key is hashed: of a large one that costs more than what it is for.
            return remembered(key) if len(key) <= longest else function(key)

        return call

    return decorate


def cached_by_size(bound: CacheBound, size: Callable[P, int]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The same of any function, whose arguments have a `size` in bytes."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        remembered, longest = lru_cache(maxsize=bound.entries)(function), bound.key_bytes

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            small = size(*args, **kwargs) <= longest
            return remembered(*args, **kwargs) if small else function(*args, **kwargs)  # type: ignore[arg-type]  # all are hashable

        return call

    return decorate


def cached_unchecked(bound: CacheBound) -> Callable[[Callable[..., R]], _lru_cache_wrapper[R]]:
    """The same where the caller holds `key_bytes`, or the configuration alone determines the keys."""
    return lru_cache(maxsize=bound.entries)
