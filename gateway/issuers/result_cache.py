"""Validation results for the tokens of one issuer: facts only, which are checked on each request."""

from __future__ import annotations

from collections import OrderedDict
from sys import intern

from gateway.clock import Clock
from gateway.oauth.model import TokenInfo
from gateway.runtime.caches import MIB, register
from gateway.tokens.token_cache import Key, facts_bytes, token_key

_GOOD = register("valid tokens of an issuer", __name__, entries=10_000, total_bytes=32 * MIB)
_BAD = register("refused tokens of an issuer", __name__, entries=10_000, total_bytes=3 * MIB)


class ResultCache:
    """Bounded: with more tokens than `limit`, or more bytes than `most_bytes`, the oldest make room.

    A long token is kept by its hash (`token_key`): anybody can make long ones.
    """

    def __init__(self, clock: Clock, limit: int = _GOOD.entries, most_bytes: int = _GOOD.total_bytes) -> None:
        self._clock = clock
        self._limit = limit
        self._most_bytes = most_bytes
        self._bytes = 0
        # Of a plain dict that loses its oldest entries the first one takes long to find.
        self._good: OrderedDict[Key, tuple[TokenInfo, float]] = OrderedDict()
        self._bad: OrderedDict[Key, tuple[float, str]] = OrderedDict()

    def get(self, token: str) -> TokenInfo | None:
        """The cached facts of a valid token."""
        key = token_key(token)
        entry = self._good.get(key)
        if entry is None:
            return None
        if self._clock() >= entry[1]:
            self._drop(key)
            return None
        return entry[0]

    def is_refused(self, token: str) -> bool:
        """Whether the token was refused a moment ago."""
        return self.refusal(token) is not None

    def refusal(self, token: str) -> str | None:
        """Why the token was refused a moment ago; None: it was not."""
        key = token_key(token)
        entry = self._bad.get(key)
        if entry is None:
            return None
        if self._clock() >= entry[0]:
            del self._bad[key]
            return None
        return entry[1]

    def put(self, token: str, facts: TokenInfo, until: float) -> None:
        """Caches facts until a time in seconds since the epoch."""
        key = token_key(token)
        self._drop(key)
        size = facts_bytes(facts)
        if size > self._most_bytes:
            return
        while len(self._good) >= self._limit or self._bytes + size > self._most_bytes:
            self._drop(next(iter(self._good)))
        self._good[key] = (facts, until)
        self._bytes += size

    def put_refused(self, token: str, until: float, reason: str) -> None:
        """Caches that the token is refused, and why. There are few reasons: each is kept once."""
        if len(self._bad) >= self._limit:
            del self._bad[next(iter(self._bad))]
        self._bad[token_key(token)] = until, intern(reason)

    def forget(self) -> None:
        """Drops everything: the keys have changed."""
        self._good.clear()
        self._bytes = 0
        self._bad.clear()

    def _drop(self, key: Key) -> None:
        entry = self._good.pop(key, None)
        if entry is not None:
            self._bytes -= facts_bytes(entry[0])
