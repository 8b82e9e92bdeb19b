"""What was found out about tokens of one issuer: facts only, which are judged on each request."""

from __future__ import annotations

from gateway.clock import Clock
from gateway.oauth.values import TokenFacts

MOST = 10_000


class Remembered:
    """Bounded: with more tokens than `limit` the oldest make room."""

    def __init__(self, clock: Clock, limit: int = MOST) -> None:
        self._clock = clock
        self._limit = limit
        self._good: dict[str, tuple[TokenFacts, float]] = {}
        self._bad: dict[str, float] = {}

    def facts(self, token: str) -> TokenFacts | None:
        """The facts of a token that was good, as long as that holds."""
        entry = self._good.get(token)
        if entry is None:
            return None
        if self._clock() >= entry[1]:
            del self._good[token]
            return None
        return entry[0]

    def is_bad(self, token: str) -> bool:
        """Whether the token was found to be worth nothing, a moment ago."""
        until = self._bad.get(token)
        if until is not None and self._clock() >= until:
            del self._bad[token]
            return False
        return until is not None

    def keep(self, token: str, facts: TokenFacts, until: float) -> None:
        """Keeps facts up to a moment in seconds since the epoch."""
        if len(self._good) >= self._limit:
            del self._good[next(iter(self._good))]
        self._good[token] = (facts, until)

    def keep_bad(self, token: str, until: float) -> None:
        """Keeps that the token is worth nothing."""
        if len(self._bad) >= self._limit:
            del self._bad[next(iter(self._bad))]
        self._bad[token] = until

    def forget(self) -> None:
        """Forgets all: what it rested on has changed."""
        self._good.clear()
        self._bad.clear()
