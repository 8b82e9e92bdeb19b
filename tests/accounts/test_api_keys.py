"""Clients of the store by their API keys, on several workers."""

import asyncio
from time import monotonic

import pytest

from gateway.accounts.api_keys import ApiKeys
from gateway.accounts.key_uses import KeyUses
from gateway.accounts.registry import MAX_API_KEYS, ClientRegistry, SecretRefused
from gateway.store import KeyUse, Store
from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.services import Services, a_client, worker
from tests.store.stage import until


def registry(services: Services) -> ClientRegistry:
    return ClientRegistry(
        services.store.clients, services.store.tokens, services.clock, lambda size: b"\1" * size
    )


def keys_of(services: Services) -> ApiKeys:
    return ApiKeys(services.clients, services.clock, KeyUses(services.store.key_uses))


async def test_a_key_is_found_from_memory_and_is_dead_at_once_everywhere(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix) as one, worker(valkey.url, prefix) as other:
        await one.store.clients.create(a_client("shop", source="store"))
        there = keys_of(other.services)

        async def seconds_to_death() -> float:
            key = (await registry(one.services).add_api_key("shop", "laptop")).encode()
            held = await there.find(key)
            assert held is not None
            assert (held.client.id, held.key.name, held.key.prefix) == ("shop", "laptop", key[:12].decode())
            await until(lambda: there.known(key) is not None)
            await registry(one.services).remove_api_key("shop", held.key.prefix)
            began = monotonic()
            await until(lambda: there.known(key) is None)
            taken = monotonic() - began
            assert await there.find(key) is None
            return taken

        await mostly_within(0.1, seconds_to_death)


async def test_the_last_use_is_written_now_and_then(store: Store) -> None:
    services = Services(store)
    await store.clients.create(a_client("shop", source="store"))
    key = (await registry(services).add_api_key("shop")).encode()
    uses = KeyUses(store.key_uses)
    keys = ApiKeys(services.clients, services.clock, uses)
    held = await keys.find(key)
    assert held is not None
    for address in ("192.0.2.1", "2001:db8::1"):
        keys.used(held, address)
    prefix = held.key.prefix
    assert await store.key_uses.read("shop", [prefix]) == {}
    await uses.settle()
    use = KeyUse(int(services.clock()), "2001:db8::1")
    assert await store.key_uses.read("shop", [prefix, "gpk_other"]) == {prefix: use}
    assert await store.key_uses.read("shop", []) == {}


async def test_a_client_has_so_many_keys_and_none_where_its_tokens_are_bound(store: Store) -> None:
    services = Services(store)
    await store.clients.create(a_client("shop", source="store"))
    await store.clients.create(a_client("bound", source="store", require_dpop=True))
    clients = registry(services)
    await clients.add_api_key("shop", expires=int(services.clock()) - 1)
    for _ in range(MAX_API_KEYS):
        await clients.add_api_key("shop")
    with pytest.raises(SecretRefused, match="revoke one first"):
        await clients.add_api_key("shop")
    with pytest.raises(SecretRefused, match="bound tokens only"):
        await clients.add_api_key("bound")
    with pytest.raises(SecretRefused, match="has no API key 'gpk_none'"):
        await clients.remove_api_key("shop", "gpk_none")


async def test_of_a_key_of_nobody_the_store_is_not_asked(store: Store) -> None:
    assert await keys_of(Services(store)).find(b"0123456789abcdef") is None
    await asyncio.sleep(0)
