"""Gateways on a real Redis Cluster: all that they do, and what they do while it changes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

import pytest
import redis
from redis.crc import key_slot

from gateway.store import KeyNames
from gateway.store.key_names import GROUPS
from gateway.store.rights import acl_rules, features_of
from tests.bounds import mostly_within
from tests.faults.conftest import StartCaller
from tests.faults.history import History, load
from tests.faults.stage import PREFIX, Caller, let_in_for, seconds_until
from tests.topologies import ClusterSet, cluster_set

LIMIT = {"use": "rate_limit", "with": {"limit": 1000, "per": "1m", "by": "client"}}
MOVE_PAUSE = 0.02
"""Seconds between two pieces of a slot that moves, so that requests meet it half moved."""
LOAD_SECONDS = float(os.environ.get("GATEPOST_CLUSTER_LOAD_SECONDS", "1"))
"""How long the load lasts before and after a change of the cluster."""
REVOKED_WITHIN = 0.1
"""Seconds after a revocation's acknowledgement from which on no worker of any gateway lets anybody in."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterSet]:
    """A cluster that each test leaves sound, if not as it was; its masters may be others afterwards."""
    with cluster_set(replicas=1, password="cluster-secret") as made:
        yield made


async def test_gateways_on_a_cluster_do_all_that_they_do_on_one_server(
    cluster: ClusterSet, start: StartCaller
) -> None:
    rules = acl_rules(PREFIX, features_of(cluster=True))
    for node in cluster.nodes:
        with node.client as client:
            client.execute_command("ACL", "SETUSER", "gatepost", "on", ">pw", *rules)
    url = cluster.url.replace("//:cluster-secret@", "//gatepost:pw@")
    one = await start(url, workers=2, plugins=[LIMIT])
    other = await start(url, workers=2, fast_path=False, plugins=[LIMIT])
    callers = [Caller(gateway) for gateway in (one.gateway, other.gateway) for _ in range(6)]
    for judge in (one, other):
        tokens = await asyncio.gather(*(caller.token() for caller in callers))
        assert len(set(tokens)) == 1
        assert await asyncio.gather(*(caller.use(tokens[0]) for caller in callers)) == [200] * len(callers)
        assert await judge.use("unknown") == 401
        assert await judge.revoke(tokens[0]) == 200
        await seconds_until(lambda token=tokens[0]: refused_by(callers, token))  # type: ignore[misc]  # its default
        await seconds_until(lambda judge=judge, token=tokens[0]: _issues_another(judge, token))  # type: ignore[misc]
        await seconds_until(lambda judge=judge: _can_do_all(judge))  # type: ignore[misc]
    lifetimes = iter(range(700, 800))
    await mostly_within(
        REVOKED_WITHIN, lambda: _let_in_after_revocation(one, callers, next(lifetimes)), good=5, of=9
    )
    for caller in callers:
        await caller.close()
    for node in cluster.nodes:
        with node.client as client:
            assert client.acl_log() == []


async def _let_in_after_revocation(issuer: Caller, callers: list[Caller], lifetime: int) -> float:
    """Seconds after its acknowledgement for which anybody was let in with a token that all workers know."""
    token = await issuer.token(lifetime)
    for _ in range(2):
        assert {await caller.use(token) for caller in callers} == {200}
    assert await issuer.revoke(token) == 200
    return max(await asyncio.gather(*(let_in_for(caller, token) for caller in callers)))


async def refused_by(callers: list[Caller], token: str) -> bool:
    return set(await asyncio.gather(*(caller.use(token) for caller in callers))) == {401}


async def _issues_another(caller: Caller, token: str) -> bool:
    return await caller.token() != token


async def _can_do_all(caller: Caller) -> bool:
    return (await caller.ready("?strict"))[0] == 200


async def test_resharding_under_load_lets_no_revoked_token_in_and_heals(
    cluster: ClusterSet, start: StartCaller
) -> None:
    slot = key_slot(KeyNames(PREFIX, cluster=True).client_generation("demo").encode())
    callers = [await start(cluster.url, workers=2), await start(cluster.url)]
    new = await asyncio.to_thread(cluster.join)
    history = History()
    async with load(history, [caller.gateway for caller in callers], LOAD_SECONDS):
        begun = time.monotonic()
        await asyncio.to_thread(cluster.move_slot, slot, new, between=lambda: time.sleep(MOVE_PAUSE))
        moved = time.monotonic()

        async def healed() -> bool:
            return [await caller.issue() for caller in callers] == [200, 200]

        await seconds_until(healed)
        took = f"moved in {moved - begun:.2f} s, healed {time.monotonic() - moved:.2f} s later"
        print(took)

    async def known() -> bool:
        return await asyncio.to_thread(cluster.owner, slot) is new

    # The nodes tell each other, which may take a loaded machine longer than the load lasts.
    await seconds_until(known)
    await history.check(callers, history.revoked)
    assert_sound(history)


async def test_a_failover_under_load_lets_no_revoked_token_in_and_heals(
    cluster: ClusterSet, start: StartCaller
) -> None:
    owner = cluster.owner(key_slot(KeyNames(PREFIX, cluster=True).client_generation("demo").encode()))
    replica = cluster.replica()
    await asyncio.to_thread(cluster.follow, replica, owner)
    callers = [await start(cluster.url, workers=2), await start(cluster.url)]
    history = History()
    async with load(history, [caller.gateway for caller in callers], LOAD_SECONDS):
        await history.quiet()
        with owner.client as client:
            # What comes later in the stream of changes has everything before it.
            client.execute_command("SET", marker(cluster, owner), "1")
            await seconds_until(lambda: _has_reached_a_replica(client))
        owner.kill()
        killed = time.monotonic()
        history.may_revoke.set()

        async def healed() -> bool:
            return [await caller.issue() for caller in callers] == [200, 200]

        await seconds_until(healed)
        print(f"failover healed in {time.monotonic() - killed:.2f} s")
    assert cluster.role(replica) == "master"
    await history.check(callers, history.revoked)
    assert_sound(history)


async def _has_reached_a_replica(client: redis.Redis) -> bool:
    return await asyncio.to_thread(client.wait, 1, 1000) == 1


def assert_sound(history: History) -> None:
    assert history.let_in == []
    assert history.killed == []
    assert len(history.revoked) > 0
    assert history.unknown < history.uses


def marker(cluster: ClusterSet, owner: object) -> str:
    """A key in one of the master's slots."""
    each = (f"marker{{{group}}}" for group in GROUPS)
    return next(key for key in each if cluster.owner(key_slot(key.encode())) is owner)
