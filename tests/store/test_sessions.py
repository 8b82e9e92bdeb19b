"""Sessions in the store."""

from __future__ import annotations

from gateway.store import Store
from tests.conftest import Valkey


async def test_a_session_is_read_back_until_it_ends(store: Store, valkey: Valkey, prefix: str) -> None:
    await store.sessions.write("id", '{"user":"ada"}', 100)
    assert await store.sessions.read("id") == '{"user":"ada"}'
    with valkey.client as client:
        (key,) = client.keys(f"{prefix}w:*")
        assert 0 < int(client.ttl(key)) <= 100
    await store.sessions.delete("id")
    assert await store.sessions.read("id") is None
