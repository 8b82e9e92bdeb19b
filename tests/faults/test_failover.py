"""A primary that is none any more: it is left at once, and nobody is let in by what it still says."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.bounds import lag_noted
from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import Caller, network, revoke_in, seconds_until

BOUND = 1.0
"""Seconds within which a worker notices that it can't hear of revocations."""


async def synchronized(replica: Valkey, port: int) -> None:
    """Makes a server a replica of what is behind a port of 127.0.0.1, and waits until it has everything."""
    with replica.client as other:
        other.replicaof("127.0.0.1", port)

        async def linked() -> bool:
            return bool(other.info("replication").get("master_link_status") == "up")

        await seconds_until(linked)


@pytest.mark.parametrize("fast_path", [True, False], ids=["fast_path", "aiohttp"])
async def test_a_failover_is_followed_and_what_the_new_primary_revoked_stays_refused(
    own_valkey: Valkey, second_valkey: Valkey, start: StartCaller, fast_path: bool
) -> None:
    old, new = own_valkey, second_valkey
    async with network(old) as to_old, network(new) as to_new, network(old) as name:
        await synchronized(new, to_old.port)
        caller = await start(name.url, fast_path=fast_path)
        kept, revoked = await caller.token(600), await caller.token(700)
        assert [await caller.use(one) for one in (kept, revoked)] == [200, 200]
        await seconds_until(lambda: _has_keys(new, old))
        with new.client as other:
            other.replicaof("NO", "ONE")
        name.server = new
        revoke_in(new, revoked)
        with old.client as other:
            other.replicaof("127.0.0.1", to_new.port)
        begun = time.monotonic()
        async with lag_noted() as lag:
            let_in = await _let_in_until_healed(caller, kept, revoked)
        assert await caller.use(revoked) == 401
        assert (await caller.ready())[0] == 200
        # What was let in with the revoked token was let in before the worker could notice.
        assert all(moment - begun < BOUND + 0.5 + lag.longest for moment in let_in)


async def _has_keys(one: Valkey, other: Valkey) -> bool:
    with one.client as first, other.client as second:
        return bool(first.dbsize() == second.dbsize())


async def _let_in_until_healed(caller: Caller, kept: str, revoked: str) -> list[float]:
    """Uses both tokens until the new primary answers: when uses of the revoked one began that was let in."""
    let_in = []

    async def healed() -> bool:
        asked = time.monotonic()
        if await caller.use(revoked) == 200:
            let_in.append(asked)
            return False
        return await caller.use(kept) == 200 and await caller.issue() == 200

    await seconds_until(healed)
    return let_in


async def test_a_replica_in_the_place_of_the_primary_is_not_ready_and_serves_nobody(
    own_valkey: Valkey, start: StartCaller
) -> None:
    caller = await start(own_valkey.url)
    token = await caller.token(600)
    with own_valkey.client as other:
        other.replicaof("127.0.0.1", 1)
        assert await seconds_until(lambda: _is(caller, token, 503)) < 10
        status, body = await caller.ready()
        assert status == 503
        assert "read-only replica" in str(body["reason"])
        assert not body["can_judge"]
        other.replicaof("NO", "ONE")
    await seconds_until(lambda: _is(caller, token, 200))
    await seconds_until(lambda: _is_ready(caller))
    await caller.gateway.line("read-only replica")


async def _is(caller: Caller, token: str, status: int) -> bool:
    await asyncio.sleep(0)
    return await caller.use(token) == status


async def _is_ready(caller: Caller) -> bool:
    return (await caller.ready())[0] == 200


async def test_a_lone_member_of_a_cluster_judges_nothing(start: StartCaller) -> None:
    member = Valkey("--cluster-enabled", "yes")
    member.start()
    try:
        caller = await start(member.url)
        status, body = await caller.ready()
        assert status == 503
        assert "cluster" in str(body["reason"])
        assert not body["can_issue"]
    finally:
        member.remove()
