"""Sessions in the store."""

from __future__ import annotations

from gateway.store import Store
from gateway.store.sessions import SessionFacts, session_key
from tests.conftest import Valkey


async def test_a_session_is_read_back_until_it_ends(store: Store, valkey: Valkey, prefix: str) -> None:
    await store.sessions.write("id", '{"user":"ada"}', 100)
    assert await store.sessions.read("id") == '{"user":"ada"}'
    with valkey.client as client:
        (key,) = client.keys(f"{prefix}w:*")
        assert 0 < int(client.ttl(key)) <= 100
    await store.sessions.delete("id")
    assert await store.sessions.read("id") is None


async def test_what_has_ended_is_not_written_again(store: Store) -> None:
    assert await store.sessions.write("id", "{}", 100)
    assert await store.sessions.write("id", '{"a":1}', 100, new=False)
    await store.sessions.delete("id")
    assert not await store.sessions.write("id", '{"a":2}', 100, new=False)
    assert await store.sessions.read("id") is None


async def test_a_person_s_sessions_are_listed_while_they_live_and_ended(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    for number, name in enumerate(("one", "two", "three")):
        await store.sessions.write(name, "{}", 100)
        facts = SessionFacts(number, 10 + number, "192.0.2.1", "curl")
        await store.sessions.note("store:ada", name, facts, 100)
    found = await store.sessions.listed("store:ada")
    assert [(one.since, one.seen, one.address, one.agent) for one in found] == [
        (2, 12, "192.0.2.1", "curl"),
        (1, 11, "192.0.2.1", "curl"),
        (0, 10, "192.0.2.1", "curl"),
    ]
    assert [one.key for one in found] == [session_key(name) for name in ("three", "two", "one")]
    await store.sessions.delete("two")
    assert [one.since for one in await store.sessions.listed("store:ada")] == [2, 0]
    await store.sessions.end("store:ada", [session_key("three")])
    assert [one.since for one in await store.sessions.listed("store:ada")] == [0]
    assert await store.sessions.read("three") is None
    assert await store.sessions.listed("store:bob") == []
    with valkey.client as client:
        assert 0 < int(client.ttl(f"{prefix}ws:store:ada")) <= 100
        client.hset(f"{prefix}ws:store:ada", session_key("one"), "no record")
    assert await store.sessions.listed("store:ada") == []
