"""Connections for what is not on the hot path."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from gateway.store.address import Address

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gateway.store.redis_pool import RedisPool

MOST_CONNECTIONS = 8


class Pool:
    """A bounded pool of connections, made when somebody needs one; each wait ends after `timeout` seconds.

    Few workers ever do, and redis-py with its hundreds of commands is several MiB in each.
    """

    def __init__(self, address: Address, *, timeout: float = 1.0, size: int = MOST_CONNECTIONS) -> None:
        self._address = address
        self._timeout = timeout
        self._size = size
        self._made: RedisPool | None = None

    def client(self, doing: str) -> AbstractContextManager[Redis]:
        """The client, for a `with` around its commands: what goes wrong with it becomes StoreUnavailable."""
        if self._made is None:
            from gateway.store.redis_pool import RedisPool  # noqa: PLC0415 (as said above)

            self._made = RedisPool(self._address, timeout=self._timeout, size=self._size)
        return self._made.client(doing)

    async def close(self) -> None:
        """Closes every connection."""
        if self._made is not None:
            await self._made.close()
