"""What the store does for plugins."""

from __future__ import annotations

from typing import Protocol


class CachedResponses(Protocol):
    """Responses that all workers and gateways share (`gateway.store.response_cache`).

    Each use of a cache has `entries` places, and a response takes that of another one. Every method raises
    StoreUnavailable unless the store has answered.
    """

    async def get(self, use: str, entries: int, identity: str) -> bytes | None:
        """What is kept under this identity; None: nothing."""

    async def put(self, use: str, entries: int, identity: str, value: bytes, seconds: float) -> None:
        """Keeps it for so long."""

    async def generation(self, entries: int, uri: str) -> str:
        """That of a URI; it changes when what is kept of it becomes void."""

    async def invalidate(self, entries: int, uri: str, seconds: float) -> None:
        """Makes void what is kept of a URI, for at least so long."""


class UsedOnce(Protocol):
    """What may be used only once (`gateway.store.replay_cache`)."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use within so many seconds. Raises StoreUnavailable."""
