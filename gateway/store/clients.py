"""Clients that are registered while the gateway runs.

They are stored in one hash, `<prefix>clients`: id to record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from gateway.oauth.model import Client
from gateway.runtime.caches import MIB, register, texts_bytes
from gateway.store.change_listener import ChangeListener
from gateway.store.client_record import read_client, write_client
from gateway.store.errors import ClientContended, ClientExists, ClientMissing, ClientUnreadable
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.pool import StorePool
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script
from gateway.store.tokens import closed_generation, new_generation
from gateway.store.tracked_cache import TrackedCache

LONGEST_ID = 255
"""Characters; no client has a longer id, so the store is not asked for one."""
TRIES = 20
"""Attempts of a change, where others write at the same time."""
LARGEST_CACHED = 8192
"""Bytes of a record that is cached; a larger one is read each time."""
_ENTRY_BYTES = 2048
"""Bytes of a cached client without its scopes and audiences."""
_KNOWN = register("client records", __name__, entries=1000, key_bytes=LONGEST_ID, total_bytes=48 * MIB)
PAGE = 500
"""Clients read in one round trip of a listing, or written in one."""

SWAP = Script(
    "clients.swap",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4]) end
return 1
""",
)
DELETE = Script(
    "clients.delete",
    """
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
return redis.call('HDEL', KEYS[1], ARGV[1])
""",
)


@dataclass(frozen=True, slots=True)
class ClientWrite:
    """One of many changes."""

    before: Client | None
    """None: there must be none of its id yet."""
    after: Client
    end_tokens: bool = False


@dataclass(frozen=True, slots=True)
class ClientPage:
    """Some of the clients."""

    clients: Sequence[Client]
    total: int
    """How many there are, with those behind the page."""


class ClientStore:
    """Every method raises StoreUnavailable unless the store has answered.

    `get` is called for token requests and uses the shared connection; the others are rare and use the pool.
    """

    def __init__(
        self,
        link: StoreLink,
        pool: StorePool,
        names: KeyNames,
        mac: RecordMac,
        changes: ChangeListener | None = None,
        ending: Commands | None = None,
    ) -> None:
        """`ending` revokes; None: the pool does."""
        self._link = link
        self._ending = ending
        self._pool = pool
        self._names = names
        self._mac = mac
        self.changes = changes or ChangeListener()
        """Hears of each change."""
        self.known: TrackedCache[str, Client] = TrackedCache(_KNOWN.entries, _KNOWN.total_bytes)
        """The cache. Off until the store sends invalidations."""

    async def get(self, client_id: str) -> Client | None:
        """The client; None where there is none with a valid MAC. Raises ClientUnreadable where its
        record is malformed.
        """
        if not _possible(client_id):
            return None
        key = self._names.clients_with(client_id)

        def read(data: bytes | None) -> Client | None:
            name = client_record_name(self._names, client_id)
            record = None if data is None else self._mac.verify(name, data)
            if record is None:
                return None
            client = read_client(client_id, record)
            if len(record) <= LARGEST_CACHED:
                self.known.put(client_id, client, (key,), cached_bytes(client, record))
            return client

        return await self._link.execute("HGET", key, client_id, decode=read)  # type: ignore[no-any-return]  # read's

    async def list(self) -> list[Client]:
        """Every client, by id. Raises ClientUnreadable where a record is malformed."""
        found = await self._records()
        return [self._read(name, found[name]) for name in sorted(found)]

    async def each(self) -> AsyncIterator[Client]:
        """Every client that can be read, some hundreds at a time, in no order. One that changes meanwhile may
        come twice.
        """
        with self._pool.client("a look at all clients") as redis:
            for group in self._names.groups:
                async for name, data in redis.hscan_iter(self._names.clients(group), count=PAGE):
                    with suppress(ClientUnreadable):
                        yield self._read(name.decode("utf-8", "replace"), data)

    async def page(self, after: str, most: int, *, without: Collection[str] = ()) -> ClientPage:
        """Clients behind an id, by id. `without`: ids that are left out.

        Reads all records, and only those of the page closer. Raises ClientUnreadable where one is malformed.
        """
        found = await self._records()
        behind = [name for name in found if name > after and name not in without]
        return ClientPage(
            [self._read(name, found[name]) for name in nsmallest(most, behind)], total=len(behind)
        )

    async def _records(self) -> dict[str, bytes]:
        """The signed record of every client, by id."""
        found: dict[str, bytes] = {}
        with self._pool.client("a listing of clients") as redis:
            for group in self._names.groups:
                async for name, data in redis.hscan_iter(self._names.clients(group), count=PAGE):
                    found[name.decode("utf-8", "replace")] = data
        return found

    async def create(self, client: Client) -> None:
        """Registers a client. Raises ClientExists, ValueError for an id that is not possible."""
        if not _possible(client.id):
            raise ValueError(f"a client id has 1 to {LONGEST_ID} characters")
        key = self._names.clients_with(client.id)
        with self._pool.client("a new client") as redis:
            new = await _answer(redis.hsetnx(key, client.id, self._signed(client)))
        if not new:
            raise ClientExists(f"there is a client {client.id!r} already")
        self.changes.heard("client.create", client.id, None, client)

    async def update(
        self, client_id: str, change: Callable[[Client], Client], *, end_tokens: bool = False
    ) -> Client:
        """Applies `change` to the client, and returns the result.

        With `end_tokens` every token of the client ends in the same step; a new generation begins, which is
        closed where the client is disabled then (`gateway.store.token_scripts`). `change` runs again where
        the client was written meanwhile. Raises ClientMissing, ClientUnreadable, ClientContended.
        """
        if not _possible(client_id):
            raise ClientMissing(f"there is no client {client_id!r}")
        key = self._names.clients_with(client_id)
        for _ in range(TRIES):
            with self._pool.client("a change of a client") as redis:
                before = await _answer(redis.hget(key, client_id))
            if before is None:
                raise ClientMissing(f"there is no client {client_id!r}")
            current = self._read(client_id, before)
            changed = change(current)
            after = self._signed(changed)
            generation = _next_generation(changed) if end_tokens else ""
            keys = (key, self._names.client_generation(client_id))
            args = (client_id, before, after, generation)
            if await self._run("a change of a client", SWAP, keys, args):
                self._changed(client_id)
                self.changes.heard("client.update", client_id, current, changed)
                return self._read(client_id, after.encode())
        raise ClientContended(f"others keep changing client {client_id!r}")

    async def write_many(self, changes: Sequence[ClientWrite]) -> Sequence[str]:
        """Creates and changes clients, hundreds in one round trip.

        The ids of those that are left as they are, since others have written them meanwhile.
        """
        left: list[str] = []
        for start in range(0, len(changes), PAGE):
            page = changes[start : start + PAGE]
            done = await asyncio.gather(*map(self._write, page))
            left += [one.after.id for one, written in zip(page, done, strict=True) if not written]
        return left

    async def _write(self, change: ClientWrite) -> bool:
        client = change.after
        key, signed = self._names.clients_with(client.id), self._signed(client)
        if change.before is None:
            written = bool(await self._link.execute("HSETNX", key, client.id, signed))
        else:
            written = await self._replaced(change, key, signed)
        if written:
            self._changed(client.id)
            event = "client.create" if change.before is None else "client.update"
            self.changes.heard(event, client.id, change.before, client)
        return written

    async def _replaced(self, change: ClientWrite, key: str, signed: str) -> bool:
        client = change.after
        there = await self._link.execute("HGET", key, client.id)
        if there is None or self._read(client.id, there) != change.before:
            return False
        keys = (key, self._names.client_generation(client.id))
        args = (client.id, there, signed, _next_generation(client) if change.end_tokens else "")
        if change.end_tokens:
            return bool(await self._run("a change of a client", SWAP, keys, args))
        return bool(await self._link.script(SWAP, keys, args))

    async def delete(self, client_id: str) -> bool:
        """Removes a client, with what is kept of it, and in the same step ends every token of it. False where
        there was none.
        """
        if not _possible(client_id):
            return False
        keys = (self._names.clients_with(client_id), *self._names.of_client(client_id))
        there = bool(await self._run("the removal of a client", DELETE, keys, (client_id,)))
        self._changed(client_id)
        if there:
            self.changes.heard("client.delete", client_id, None, None)
        return there

    async def _run(self, doing: str, script: Script, keys: Sequence[str], args: Sequence[str | bytes]) -> Any:
        if self._ending is not None:
            return await self._ending.script(script, keys, args)
        with self._pool.client(doing) as redis:
            return await _answer(redis.eval(script.source, len(keys), *keys, *args))

    def _signed(self, client: Client) -> str:
        return self._mac.sign(client_record_name(self._names, client.id), write_client(client))

    def _read(self, client_id: str, signed: bytes) -> Client:
        return read_signed_client(self._mac, self._names, client_id, signed)

    def _changed(self, client_id: str) -> None:
        """The invalidation does so too, but may arrive after the reply."""
        self.known.changed([self._names.clients_with(client_id).encode()])


def cached_bytes(client: Client, record: bytes) -> int:
    """About how many bytes of memory a cached client takes; never too few."""
    parts = (*client.scopes, *client.audiences, *client.grants, *client.auth)
    secrets = len(client.secrets) + len(client.api_keys)
    parts_of = secrets + len(client.subscriptions)
    return _ENTRY_BYTES + 4 * (len(client.id) + len(record)) + 512 * parts_of + texts_bytes(parts)


def _next_generation(client: Client) -> str:
    return new_generation() if client.enabled else closed_generation()


def client_record_name(names: KeyNames, client_id: str) -> str:
    """The name in the MAC of a client's record."""
    return names.record("clients", client_id)


def read_signed_client(mac: RecordMac, names: KeyNames, client_id: str, signed: bytes) -> Client:
    """The client in a signed record. Raises ClientUnreadable where it has no valid MAC or is malformed."""
    record = mac.verify(client_record_name(names, client_id), signed)
    if record is None:
        raise ClientUnreadable(f"the store's record of client {client_id!r} was not signed with tokens.keys")
    return read_client(client_id, record)


async def _answer(call: Any) -> Any:
    """redis-py types its commands for the blocking client and for this one at once; this one is awaited."""
    return await call


def _possible(client_id: str) -> bool:
    return 0 < len(client_id) <= LONGEST_ID and not any("\ud800" <= char <= "\udfff" for char in client_id)
