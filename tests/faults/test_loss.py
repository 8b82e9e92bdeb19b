"""A store that loses what it had: what can be put back is, and the rest is told."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import PREFIX, Caller, seconds_until


async def kids(caller: Caller) -> list[str]:
    answer = await caller.ask("/jwks")
    return [key["kid"] for key in json.loads(answer.content).get("keys", [])]


@pytest.fixture
async def evicting(own_valkey: Valkey) -> Valkey:
    """A server that deletes keys when its memory is full."""
    with own_valkey.client as other:
        other.config_set("maxmemory-policy", "allkeys-lru")
    return own_valkey


async def test_a_server_that_evicts_is_reported_and_a_flush_brings_keys_back_and_lists_lost_clients(
    evicting: Valkey, start: StartCaller
) -> None:
    with evicting.client as other:
        other.hset(f"{PREFIX}clients", mapping={"one": "{}", "two": "{}"})
    caller = await start(evicting.url, tokens={"format": "jwt"})
    accepting = await start(evicting.url, store={"allow_eviction": True})
    for one in (caller, accepting):
        await seconds_until(lambda one=one: _evicts(one))  # type: ignore[misc]  # its default
    status, body = await caller.ready("?strict")
    assert status == 200
    assert "allkeys-lru" in str(body["warnings"])
    await caller.gateway.line("maxmemory-policy allkeys-lru")
    assert (await accepting.ready())[1]["warnings"] == []
    assert not accepting.gateway.found("allkeys-lru")
    await loses_nothing_but_what_is_told(evicting, caller)


async def loses_nothing_but_what_is_told(server: Valkey, caller: Caller) -> None:
    """The server is emptied."""
    token = await caller.token(600)
    keys = await kids(caller)
    assert await caller.use(token) == 200
    with server.client as other:
        # The first look at what there is follows the start.
        await seconds_until(lambda: _has_looked(server))
        other.flushall()

    async def told() -> bool:
        return "all 2 clients" in str((await caller.ready())[1]["warnings"])

    await seconds_until(told)

    async def healed() -> bool:
        return await caller.issue() == 200 and await caller.use(token) == 401

    await seconds_until(healed)
    assert await caller.use(await caller.token(600)) == 200
    assert await kids(caller) == keys
    await caller.gateway.line("the store has lost the signing keys: put back the 1 that are known")
    await caller.gateway.line("the store has lost all 2 clients")


async def _has_looked(server: Valkey) -> bool:
    with server.client as other:
        return "cmdstat_hlen" in other.info("commandstats")


async def _evicts(caller: Caller) -> bool:
    async with await caller.gateway.connect(caller.gateway.management) as client:
        text = (await client.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).content
    return b"gatepost_store_evicts 1.0" in text
