"""Connections for what is not on the hot path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from gateway.store.address import StoreAddress
from gateway.store.resp_connection import OnRejected, ignore

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

    from gateway.store.redis_pool import RedisPool

MOST_CONNECTIONS = 8


@asynccontextmanager
async def subscription(redis: Redis, channel: str) -> AsyncIterator[PubSub]:
    """What is published on a channel while the context is open. Use it inside `StorePool.client`."""
    # A cluster's client must know who has which slots; it asks for that only before other commands.
    async with (await redis).pubsub() as heard:
        try:
            await heard.subscribe(channel)
        except KeyError:
            raise ConnectionError("no node has the channel's slot") from None
        yield heard


class StorePool:
    """A bounded pool of connections, made when somebody needs one; each wait ends after `timeout` seconds.

    Few workers ever do, and redis-py with its hundreds of commands is several MiB in each.
    """

    def __init__(
        self, server: Callable[[], StoreAddress], *, timeout: float = 1.0, size: int = MOST_CONNECTIONS
    ) -> None:
        """`server`: where the server is now. It may raise StoreUnavailable."""
        self._server = server
        self._address: StoreAddress | None = None
        self._timeout = timeout
        self._size = size
        self.on_rejected: OnRejected = ignore
        """Is told of each command that the server refuses."""
        self._made: RedisPool | None = None
        self._closing: set[asyncio.Future[None]] = set()

    def client(self, doing: str) -> AbstractContextManager[Redis]:
        """The client, for a `with` around its commands: what goes wrong with it becomes StoreUnavailable."""
        address = self._server()
        if address != self._address:
            self.reset()
        if self._made is None:
            from gateway.store.redis_pool import RedisPool  # noqa: PLC0415 (as said above)

            self._address = address
            self._made = RedisPool(
                address, timeout=self._timeout, size=self._size, on_rejected=self.on_rejected
            )
        return self._made.client(doing)

    def reset(self) -> None:
        """Leaves the server: the next command connects anew, and resolves the name anew."""
        made, self._made = self._made, None
        if made is not None:
            task = asyncio.ensure_future(made.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Closes every connection."""
        self.reset()
        await asyncio.gather(*self._closing, return_exceptions=True)
