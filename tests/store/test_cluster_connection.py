"""Links to a real Redis Cluster: slots, revocations, failover and resharding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from redis.crc import key_slot

from gateway.errors import StoreUnavailable
from gateway.oauth.model import TokenInfo
from gateway.oauth.user import User
from gateway.store import Store, StoreReport, TokenDraft, group_of
from tests.record_keys import MAC
from tests.store.stage import until
from tests.topologies import PATIENCE, ClusterSet, Node, cluster_set

CLIENTS = [f"client-{number}" for number in range(24)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterSet]:
    """A cluster that each test leaves sound, if not as it was."""
    with cluster_set(replicas=1, password="cluster-secret") as made:
        yield made


@asynccontextmanager
async def opened(cluster: ClusterSet, prefix: str = "test:", **options: Any) -> AsyncIterator[Store]:
    store = Store(cluster.url, prefix, mac=MAC, tracking=True, **options)
    store.monitor()
    await store.start()
    await until(lambda: store.link.connected, PATIENCE)
    try:
        yield store
    finally:
        await store.stop()


def draft(client: str, **changes: Any) -> TokenDraft:
    facts = TokenInfo(client, ("read",), (), client, 0, 600, "client_credentials", **changes)
    return TokenDraft(f"{group_of(client)}-{client}", facts, 600)


class Heard:
    """Notes what a store's listeners are told."""

    def __init__(self) -> None:
        self.on = False
        self.keys: list[bytes] = []

    def on_tracking_on(self) -> None:
        self.on = True

    def on_tracking_off(self) -> None:
        self.on = False

    def on_invalidate(self, message: list[Any]) -> None:
        self.keys += message[1] or []


async def ask(store: Store, client: str) -> str:
    """Whether the client's token is there: `live`, `dead` or `away`."""
    try:
        return "dead" if await store.tokens.facts(draft(client).hash) is None else "live"
    except StoreUnavailable:
        return "away"


async def certain(store: Store, *hashes: str) -> list[bool]:
    """Whether each of the tokens is live, as soon as the store knows of all: it prepares a new master."""
    found: list[bool] = []

    async def answered() -> bool:
        found.clear()
        with suppress(StoreUnavailable):
            found.extend([await store.tokens.facts(name) is not None for name in hashes])
        return len(found) == len(hashes)

    await until(answered, PATIENCE)
    return found


async def revoked_at(store: Store, name: str) -> None:
    """Revokes a token as soon as the store takes it."""

    async def acknowledged() -> bool:
        with suppress(StoreUnavailable):
            await store.tokens.revoke(name)
            return True
        return False

    await until(acknowledged, PATIENCE)


async def issued(store: Store) -> None:
    for client in CLIENTS:
        await store.tokens.issue(draft(client))


async def test_tokens_are_spread_over_all_masters_and_found_again(cluster: ClusterSet, prefix: str) -> None:
    async with opened(cluster, prefix) as store:
        await issued(store)
        found = [await store.tokens.facts(draft(client).hash) for client in CLIENTS]
        assert [facts and facts.client for facts in found] == CLIENTS
        shares = [len(master.client.keys(f"{prefix}t:*")) for master in cluster.masters]
        assert sum(shares) == len(CLIENTS)
        assert min(shares) > 0
        await store.tokens.revoke_all(CLIENTS[0])
        assert await ask(store, CLIENTS[0]) == "dead"


async def test_what_another_gateway_revokes_is_heard_from_every_master(
    cluster: ClusterSet, prefix: str
) -> None:
    heard = Heard()
    async with opened(cluster, prefix, listener=heard) as here, opened(cluster, prefix) as elsewhere:
        await issued(here)
        noted: list[str] = []
        for client in CLIENTS:
            await here.tokens.facts(draft(client).hash, lambda name, *_: noted.append(name))
        assert len(noted) == len(CLIENTS)
        assert heard.on
        heard.keys.clear()
        for client in CLIENTS:
            await elsewhere.tokens.revoke(draft(client).hash)
        expected = {here.names.token(draft(client).hash).encode() for client in CLIENTS}
        await until(lambda: expected <= set(heard.keys))


async def test_a_users_tokens_end_with_the_user_who_is_in_another_slot(
    cluster: ClusterSet, prefix: str
) -> None:
    heard = Heard()
    async with opened(cluster, prefix, listener=heard) as here, opened(cluster, prefix) as elsewhere:
        user = await here.users.create(User("Ada", "hash"))
        person = {"user": "Ada", "user_id": user.id, "user_generation": user.generation}
        await here.tokens.issue(draft("demo", **person))
        noted: list[str] = []
        for _ in range(2):
            facts = await here.tokens.facts(draft("demo").hash, lambda name, *_: noted.append(name))
            assert facts is not None
            assert facts.user == "Ada"
        assert len(noted) == 2
        heard.keys.clear()
        await elsewhere.users.delete("Ada")
        key = f"{here.names.user_generations}{user.id}".encode()
        await until(lambda: key in heard.keys)
        assert await ask(here, "demo") == await ask(elsewhere, "demo") == "dead"
        forged = await here.users.create(User("Bob", "hash"))
        person = {"user": "Bob", "user_id": forged.id, "user_generation": "other"}
        await here.tokens.issue(draft("shop", **person))
        assert await ask(here, "shop") == "dead"


async def test_a_slot_that_moves_is_followed_and_no_revoked_token_comes_back(
    cluster: ClusterSet, prefix: str
) -> None:
    async with opened(cluster, prefix) as store, opened(cluster, prefix) as other:
        await issued(store)
        slot = slot_of(store, CLIENTS[0])
        new = await asyncio.to_thread(cluster.join)
        kept, revoked = draft(CLIENTS[0]), replace(draft(CLIENTS[0]), hash=f"{group_of(CLIENTS[0])}-two")
        await store.tokens.issue(revoked)
        await store.tokens.facts(revoked.hash, lambda *_: None)
        moving = asyncio.create_task(asyncio.to_thread(cluster.move_slot, slot, new))
        while not moving.done():
            assert await ask(store, CLIENTS[0]) != "dead"
        await moving
        await revoked_at(other, revoked.hash)
        assert await certain(store, revoked.hash) == [False]
        assert await certain(store, *(draft(client).hash for client in CLIENTS)) == [True] * len(CLIENTS)
        await revoked_at(store, kept.hash)
        assert await certain(other, kept.hash) == [False]
        assert cluster.owner(slot) is new


async def test_of_a_token_whose_slot_is_half_moved_nobody_says_that_it_is_dead(
    cluster: ClusterSet, prefix: str
) -> None:
    one = CLIENTS[0]
    other = next(name for name in (f"other-{n}" for n in range(10_000)) if group_of(name) == group_of(one))
    async with opened(cluster, prefix) as store:
        names = store.names
        for client in (one, other):
            await store.tokens.issue(draft(client))
        slot = slot_of(store, one)
        source = cluster.owner(slot)
        target = next(master for master in cluster.masters if master is not source)
        cluster.begin_to_move(slot, target)
        for first, second in (
            (names.token(draft(one).hash), names.client_generation(one)),
            (names.client_generation(other), names.token(draft(other).hash)),
        ):
            client = one if first.endswith(one) else other
            cluster.migrate(source, target, first)
            assert await ask(store, client) == "away"
            cluster.migrate(source, target, second)
            assert await ask(store, client) == "live"
        await asyncio.to_thread(cluster.move_slot, slot, target)
        await until(lambda: store.link.connected, PATIENCE)
        assert await certain(store, draft(one).hash, draft(other).hash) == [True, True]


async def test_a_slot_on_its_way_is_no_reason_to_be_unready(cluster: ClusterSet, prefix: str) -> None:
    async with opened(cluster, prefix, timeout=0.3) as store:
        await store.tokens.issue(draft(CLIENTS[1]))
        slot = slot_of(store, CLIENTS[1])
        source = cluster.owner(slot)
        target = next(master for master in cluster.masters if master is not source)
        cluster.begin_to_move(slot, target)
        with pytest.raises(StoreUnavailable, match="slot is being moved"):
            await store.tokens.facts(draft(CLIENTS[1]).hash + "-unknown")
        await store.health.judge()
        assert await store.health.try_writes() == StoreReport()
        await asyncio.to_thread(cluster.move_slot, slot, target)
        assert await certain(store, draft(CLIENTS[1]).hash) == [True]


async def test_a_cluster_without_a_majority_is_not_asked_from_the_cache(
    cluster: ClusterSet, prefix: str
) -> None:
    heard = Heard()
    async with opened(cluster, prefix, listener=heard) as store:
        await issued(store)
        for master in cluster.masters[1:]:
            master.freeze()
        await until(lambda: not heard.on, PATIENCE)
        await until(lambda: cluster.state(cluster.masters[0]) == "fail", PATIENCE)

        async def none_answered() -> bool:
            return {await ask(store, client) for client in CLIENTS} == {"away"}

        await until(none_answered, PATIENCE)
        with pytest.raises(StoreUnavailable):
            await store.health.judge()
        for master in cluster.masters[1:]:
            master.thaw()
        await until(lambda: store.link.connected and heard.on, PATIENCE)

        async def all_live() -> bool:
            return {await ask(store, client) for client in CLIENTS} == {"live"}

        await until(all_live, PATIENCE)


async def test_a_master_that_dies_is_replaced_by_its_replica_and_nothing_is_cached_meanwhile(
    cluster: ClusterSet, prefix: str
) -> None:
    heard = Heard()
    async with opened(cluster, prefix, listener=heard) as store:
        await issued(store)
        dead = {client for client in CLIENTS if cluster.owner(slot_of(store, client)) is cluster.masters[0]}
        assert 0 < len(dead) < len(CLIENTS)
        with cluster.masters[0].client as client:
            replicas = client.info("replication")["connected_slaves"]
            assert replicas > 0
            assert client.wait(replicas, 5000) == replicas
        assert heard.on
        cluster.masters[0].kill()
        await until(lambda: not heard.on)
        assert "dead" not in {await ask(store, client) for client in CLIENTS}
        await until(lambda: store.link.connected and heard.on, PATIENCE)
        hashes = [draft(client).hash for client in CLIENTS]
        assert await certain(store, *hashes) == [True] * len(CLIENTS)
        for name in hashes:
            await revoked_at(store, name)
        assert await certain(store, *hashes) == [False] * len(CLIENTS)


async def test_a_server_that_is_no_node_of_a_cluster_is_reported() -> None:
    server = Node()
    try:
        await asyncio.to_thread(server.start)
        store = Store(f"redis+cluster://{server.host}", mac=MAC)
        await store.start()
        with pytest.raises(StoreUnavailable, match="is no node of a cluster"):
            await store.ping()
        await store.stop()
    finally:
        server.remove()


def slot_of(store: Store, client: str) -> int:
    return key_slot(store.names.token(draft(client).hash).encode())
