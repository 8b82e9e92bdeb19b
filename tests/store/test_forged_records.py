"""Whoever can write the store, but has not the master key, can't give anybody more than they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.oauth.application import Application
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.user import User
from gateway.store import ClientUnreadable, RecordMac, RefreshDraft, Store, TokenDraft
from tests.conftest import Valkey

FACTS = TokenInfo(
    client="shop", scopes=("orders.read",), audience=(), subject="shop", issued=1, expires=2, grant="x"
)


async def fill(store: Store) -> None:
    """One record of each kind that grants something."""
    await store.tokens.issue(TokenDraft("hash", FACTS, 100))
    await store.refresh_tokens.begin(RefreshDraft("family", "newest", FACTS, 100, "hash"))
    await store.clients.create(Client(id="shop", scopes=("orders.read",), source="store"))
    await store.applications.create(Application(id="app", name="Shop", owner="ada"))
    await store.users.create(User("ada", "scrypt", source="store"))
    await store.sessions.write("session", '{"user":"ada"}', 100)


Read = Callable[[Store], Awaitable[object]]
KINDS: dict[str, Read] = {
    "token": lambda store: store.tokens.facts("hash"),
    "refresh token": lambda store: store.refresh_tokens.find("family"),
    "client": lambda store: store.clients.get("shop"),
    "application": lambda store: store.applications.get("app"),
    "user": lambda store: store.users.get("ada"),
    "session": lambda store: store.sessions.read("session"),
}


def rewrite(valkey: Valkey, prefix: str, old: bytes, new: bytes) -> None:
    """Changes a part of every record in the store."""
    with valkey.client as server:
        for key in server.scan_iter(f"{prefix}*"):
            if server.type(key) == b"hash":
                for field, value in server.hgetall(key).items():
                    server.hset(key, field, value.replace(old, new))
            else:
                value = server.get(key)
                assert value is not None
                server.set(key, value.replace(old, new), keepttl=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_record_that_the_gateway_wrote_is_read(kind: str, store: Store) -> None:
    await fill(store)
    assert await KINDS[kind](store) is not None


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("token", b"orders.read", b"admin"),
        ("refresh token", b"orders.read", b"admin"),
        ("client", b"orders.read", b"admin"),
        ("application", b'"ada"', b'"eve"'),
        ("user", b'"admin":false', b'"admin":true'),
        ("session", b'"ada"', b'"eve"'),
        *((kind, b'"mac"', b'"was"') for kind in KINDS),
    ],
)
async def test_a_record_that_was_changed_in_the_store_counts_as_missing(
    kind: str, old: bytes, new: bytes, store: Store, valkey: Valkey, prefix: str
) -> None:
    await fill(store)
    rewrite(valkey, prefix, old, new)
    assert await KINDS[kind](store) is None


async def test_a_forged_administrator_is_nobody(store: Store, valkey: Valkey, prefix: str) -> None:
    with valkey.client as server:
        server.hset(f"{prefix}users", "eve", '{"name":"eve","password":"scrypt","admin":true}')
    assert await store.users.get("eve") is None


async def test_a_record_can_not_be_put_under_another_name(store: Store, valkey: Valkey, prefix: str) -> None:
    await fill(store)
    with valkey.client as server:
        record = server.hget(f"{prefix}clients", "shop")
        assert record is not None
        server.hset(f"{prefix}clients", "eve", record)
        server.copy(f"{prefix}t:hash", f"{prefix}t:other")
        server.hset(f"{prefix}r:family", "current", "stolen")
    assert await store.clients.get("eve") is None
    assert await store.tokens.facts("other") is None
    assert await store.refresh_tokens.find("family") is None


async def test_a_forged_client_is_named_where_clients_are_listed(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    with valkey.client as server:
        server.hset(f"{prefix}clients", "eve", '{"enabled":true}')
    with pytest.raises(ClientUnreadable, match=r"client 'eve' was not signed with tokens\.keys"):
        await store.clients.list()
    assert await store.clients.delete("eve")
    assert await store.clients.list() == []


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_change_of_keys_records_of_the_old_key_are_read(
    kind: str, store: Store, valkey: Valkey, prefix: str
) -> None:
    await fill(store)
    for keys, there in (((b"n" * 32, b"r" * 32), True), ((b"n" * 32,), False)):
        other = Store(valkey.url, prefix, mac=RecordMac(keys))
        await other.start()
        try:
            assert (await KINDS[kind](other) is not None) == there
        finally:
            await other.stop()
