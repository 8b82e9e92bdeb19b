"""Finding the primary: by fixed addresses, and by Sentinels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import SentinelCredentials, Store, parse_address
from gateway.store.primary import POLL, FixedPrimary
from gateway.store.sentinel_answers import SentinelAnswer, newest
from tests.record_keys import MAC
from tests.store.stage import answers, until
from tests.topologies import PATIENCE, SentinelSet, sentinel_set

OLD, NEW = ("old", 1), ("new", 1)


def test_the_newest_configuration_says_where_the_primary_is() -> None:
    old, new = SentinelAnswer(OLD, 3), SentinelAnswer(NEW, 4)
    same = SentinelAnswer(NEW, 3)
    assert newest([], -1, 3) is None
    assert newest([old], -1, 3) == old
    assert newest([old, new, old], -1, 3) == new
    assert newest([old, same, same], -1, 3) == same


def test_sentinels_that_missed_a_failover_are_believed_only_if_they_are_the_most() -> None:
    old, new = SentinelAnswer(OLD, 3), SentinelAnswer(NEW, 4)
    assert newest([old], 4, 3) is None
    assert newest([old, old], 4, 4) is None
    assert newest([old, old], 4, 3) == old
    assert newest([old, new], 4, 3) == new
    assert newest([old], 4, 1) == old


async def test_several_hosts_are_tried_in_turn() -> None:
    primary = FixedPrimary(parse_address("redis://:pw@a:1,b:2/3"))
    found = [await primary.locate() for _ in range(3)]
    assert [(one.host, one.port, one.db, one.password) for one in found] == [
        ("a", 1, 3, "pw"),
        ("b", 2, 3, "pw"),
        ("a", 1, 3, "pw"),
    ]


@asynccontextmanager
async def opened(
    servers: SentinelSet, credentials: SentinelCredentials | None = None
) -> AsyncIterator[Store]:
    store = Store(servers.url, mac=MAC, tracking=True, sentinel=credentials or SentinelCredentials())
    store.monitor()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def test_sentinels_lead_to_the_new_primary_and_are_not_needed_while_it_stands() -> None:
    with sentinel_set() as servers:
        async with opened(servers) as store:
            assert store.link.server.port == servers.first.port
            servers.first.kill()
            await until(lambda: answers(store.link), PATIENCE)
            assert store.link.server.port == servers.second.port
            await store.users.list()

            for sentinel in servers.sentinels:
                sentinel.kill()
            store.link.drop("a test")
            await until(lambda: answers(store.link), PATIENCE)
            assert store.link.server.port == servers.second.port


async def test_a_primary_that_hangs_is_left_when_sentinels_have_another_one() -> None:
    with sentinel_set() as servers:
        async with opened(servers) as store:
            servers.first.freeze()
            await until(lambda: answers(store.link), PATIENCE)
            assert store.link.server.port == servers.second.port
            # It still takes itself for a primary, until the Sentinels tell it.
            servers.first.thaw()
            await asyncio.to_thread(servers.sentinels[1].kill)
            await asyncio.sleep(0.5)
            assert store.link.server.port == servers.second.port
            assert await answers(store.link)


async def test_a_sentinel_that_missed_the_failover_leads_nobody_back() -> None:
    with sentinel_set() as servers:
        async with opened(servers) as store:
            behind, *others = servers.sentinels
            behind.kill()
            servers.first.kill()
            await until(lambda: answers(store.link), PATIENCE)
            for sentinel in others:
                sentinel.kill()
            # What was on the other side of a partition: both are as they were before.
            await asyncio.to_thread(servers.first.start)
            await asyncio.to_thread(behind.start)
            assert servers.primary_port() == servers.first.port
            servers.second.kill()
            await until(lambda: not store.link.connected)
            await asyncio.sleep(3 * POLL)
            assert not await answers(store.link), "nobody knows what was revoked meanwhile"


async def test_sentinels_and_servers_have_passwords_of_their_own() -> None:
    with sentinel_set(password="server-secret", sentinel_password="sentinel-secret") as servers:
        async with opened(servers, SentinelCredentials(password="sentinel-secret")) as store:
            await store.ping()
            await store.clients.list()
        async with opened(servers) as store:
            with pytest.raises(StoreUnavailable, match=r"refuses the question: store\.sentinel"):
                await store.ping()
