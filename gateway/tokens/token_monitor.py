"""Notices the end of a token in use: for tunnels and streams of routes with `end_with_token`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from gateway.errors import IssuerUnavailable, StoreUnavailable
from gateway.oauth.model import OWN, TokenInfo
from gateway.tokens.token_cache import TokenCache

UNTRACKED_INTERVAL = 0.05
"""Seconds between two lookups in the store while there are no invalidations."""
FOREIGN_INTERVAL = 2.0
"""Seconds between two lookups of another issuer's token: there are no invalidations for it."""
MAX_UNKNOWN = 1.0
"""Seconds without an answer after which the token counts as ended."""

Find = Callable[[str, frozenset[str]], Awaitable[TokenInfo | None]]


class TokenMonitor:
    """Learns of revocations from the token cache, which the store invalidates."""

    def __init__(self, find: Find, cache: TokenCache, clock: Callable[[], float]) -> None:
        """`find` is `TokenValidator.resolve`."""
        self._find = find
        self._cache = cache
        self._clock = clock

    async def ended(self, token: str, accepted: frozenset[str]) -> None:
        """Returns when the token has ended: at its expiry, or within 100 ms of its revocation."""
        known_at = monotonic()
        while True:
            try:
                facts = await self._find(token, accepted)
            except (StoreUnavailable, IssuerUnavailable):
                if monotonic() - known_at >= MAX_UNKNOWN:
                    return
                await asyncio.sleep(UNTRACKED_INTERVAL)
                continue
            known_at = monotonic()
            # An own token lives as long as the store says, whatever this gateway's clock does.
            if facts is None or (facts.issuer != OWN and self._clock() >= facts.expires):
                return
            await self._until_news(token, facts)

    async def _until_news(self, token: str, facts: TokenInfo) -> None:
        """Returns when the token must be looked up again."""
        if facts.issuer != OWN:
            await asyncio.sleep(min(facts.expires - self._clock(), FOREIGN_INTERVAL))
            return
        watched = self._cache.watch(token)
        if watched is None:
            await asyncio.sleep(UNTRACKED_INTERVAL)
            return
        forgotten, left = watched
        try:
            await asyncio.wait({forgotten}, timeout=left)
        finally:
            self._cache.unwatch(token, forgotten)
