"""Clients that are registered while the gateway runs.

They lie in one hash, `<prefix>clients`: id to record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.oauth.values import Client
from gateway.store.client_record import read_client, write_client
from gateway.store.errors import ClientContended, ClientExists, ClientMissing
from gateway.store.link import Link
from gateway.store.pool import Pool
from gateway.store.tracked import Tracked

LONGEST_ID = 255
"""Characters; a longer id is nobody's, and is not asked for."""
TRIES = 20
"""How often a change is begun anew because somebody else was quicker."""
MOST_KNOWN = 1000
"""Clients that a worker remembers."""
PAGE = 500
"""Clients read in one round trip of a listing."""

SWAP = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4]) end
return 1
"""
DELETE = """
redis.call('DEL', KEYS[2], KEYS[3])
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


class ClientStore:
    """The clients under `prefix`. Every method raises StoreUnavailable unless the store has answered.

    `get` is asked for each token and goes over the link; the others are rare and use the pool.
    """

    def __init__(self, link: Link, pool: Pool, prefix: str) -> None:
        self._link = link
        self._pool = pool
        self._prefix = prefix
        self._key = f"{prefix}clients"
        self.known: Tracked[str, Client] = Tracked(MOST_KNOWN)
        """Those that this worker has read. Off until it hears from the store."""

    async def get(self, client_id: str) -> Client | None:
        """The client, or None. Raises ClientUnreadable where its record is malformed."""
        if not _possible(client_id):
            return None

        def read(data: bytes | None) -> Client | None:
            if data is None:
                return None
            client = read_client(client_id, data)
            self.known.put(client_id, client, (self._key,))
            return client

        return await self._link.execute("HGET", self._key, client_id, decode=read)  # type: ignore[no-any-return]  # read's

    async def list(self) -> list[Client]:
        """Every client, by id. Raises ClientUnreadable where a record is malformed."""
        found: dict[str, bytes] = {}
        with self._pool.client("a listing of clients") as redis:
            async for name, data in redis.hscan_iter(self._key, count=PAGE):
                found[name.decode("utf-8", "replace")] = data
        return [read_client(name, found[name]) for name in sorted(found)]

    async def create(self, client: Client) -> None:
        """Registers a client. Raises ClientExists, ValueError for an id that can't be asked for."""
        if not _possible(client.id):
            raise ValueError(f"a client id has 1 to {LONGEST_ID} characters")
        with self._pool.client("a new client") as redis:
            new = await _answer(redis.hsetnx(self._key, client.id, write_client(client)))
        if not new:
            raise ClientExists(f"there is a client {client.id!r} already")

    async def update(
        self, client_id: str, change: Callable[[Client], Client], *, generation: str = ""
    ) -> Client:
        """Writes what `change` makes of the client, and returns it.

        Where a `generation` is given, every token of the client ends in the same step, and it begins; see
        `gateway.store.token_scripts`. `change` runs again
        where somebody else has written meanwhile. Raises ClientMissing,
        ClientUnreadable, ClientContended.
        """
        if not _possible(client_id):
            raise ClientMissing(f"there is no client {client_id!r}")
        for _ in range(TRIES):
            with self._pool.client("a change of a client") as redis:
                before = await _answer(redis.hget(self._key, client_id))
            if before is None:
                raise ClientMissing(f"there is no client {client_id!r}")
            after = write_client(change(read_client(client_id, before)))
            keys = (self._key, f"{self._prefix}g:{client_id}")
            with self._pool.client("a change of a client") as redis:
                call = redis.eval(SWAP, len(keys), *keys, client_id, before, after, generation)
                done = await _answer(call)
            if done:
                self._changed()
                return read_client(client_id, after.encode())
        raise ClientContended(f"others keep changing client {client_id!r}")

    async def delete(self, client_id: str) -> bool:
        """Removes a client and, in the same step, ends every token of it. False where there was none."""
        if not _possible(client_id):
            return False
        prefix = self._prefix
        keys = (self._key, f"{prefix}g:{client_id}", f"{prefix}u:{client_id}")
        with self._pool.client("the removal of a client") as redis:
            there = bool(await _answer(redis.eval(DELETE, len(keys), *keys, client_id)))
        self._changed()
        return there

    def _changed(self) -> None:
        """The store says so here too; its word may come a moment after its answer."""
        self.known.changed([self._key.encode()])


async def _answer(call: Any) -> Any:
    """redis-py types its commands for the blocking client and for this one at once; this one is awaited."""
    return await call


def _possible(client_id: str) -> bool:
    return 0 < len(client_id) <= LONGEST_ID and not any("\ud800" <= char <= "\udfff" for char in client_id)
