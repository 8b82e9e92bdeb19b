"""Notices that wait in the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.store import Store
from gateway.store.notices import MOST, QueuedNotice
from tests.record_keys import MAC
from tests.topologies import ClusterSet

ONE = QueuedNotice("msg_1", '{"type":"é\\n"}', 100, 105, 1)


async def test_a_notice_is_kept_replaced_and_removed(store: Store) -> None:
    assert await store.notices.add(ONE)
    assert await store.notices.add(ONE)
    assert await store.notices.list() == [ONE]
    later = replace(ONE, due=200, attempts=2)
    await store.notices.keep(later)
    sooner = QueuedNotice("msg_2", "{}", 100, 150)
    assert await store.notices.add(sooner)
    assert (await store.notices.list(), await store.notices.count()) == ([sooner, later], 2)
    await store.notices.remove(["msg_1", "msg_2"])
    assert (await store.notices.list(), await store.notices.count()) == ([], 0)
    await store.notices.remove([])


async def test_a_notice_that_was_taken_does_not_come_back(store: Store) -> None:
    await store.notices.keep(ONE)
    assert await store.notices.count() == 0


async def test_there_are_no_more_notices_than_fit(store: Store) -> None:
    added = [await store.notices.add(replace(ONE, id=f"msg_{i}")) for i in range(MOST + 2)]
    assert (added.count(True), added[-2:]) == (MOST, [False, False])
    assert await store.notices.count() == MOST


async def test_a_forged_notice_is_never_sent(store: Store) -> None:
    await store.notices.add(ONE)
    record = await store.link.execute("HGET", store.names.notices, "msg_1")
    await store.link.execute("HSET", store.names.notices, "msg_2", record)
    await store.link.execute("HSET", store.names.notices, "msg_3", '{"body":"{}","created":1,"due":1}')
    await store.link.execute("HSET", store.names.notices, "msg_4", b"\xff")
    assert await store.notices.list() == [ONE]
    assert await store.notices.count() == 1


async def test_one_of_many_sends_notices_until_it_resigns_or_its_lease_ends(store: Store) -> None:
    asked = await asyncio.gather(*(store.notices.lead(f"w{i}", 30) for i in range(8)))
    assert asked.count(True) == 1
    first = f"w{asked.index(True)}"
    assert await store.notices.lead(first, 30)
    await store.notices.resign("other")
    assert not await store.notices.lead("other", 30)
    await store.notices.resign(first)
    assert await store.notices.lead("other", 0.01)
    deadline = asyncio.get_running_loop().time() + 30
    while not await store.notices.lead(first, 30):
        assert asyncio.get_running_loop().time() < deadline


async def test_a_receiver_of_notices_that_is_gone_is_noted_by_its_url(store: Store) -> None:
    assert not await store.notices.is_gone("https://one.example")
    await store.notices.note_gone("https://one.example")
    assert await store.notices.is_gone("https://one.example")
    assert not await store.notices.is_gone("https://two.example")
    assert 0 < int(await store.link.execute("PTTL", store.names.notices_gone)) <= 86_400_000


async def test_notices_wait_and_are_sent_by_one_on_a_cluster(quiet_cluster: ClusterSet, prefix: str) -> None:
    store = Store(quiet_cluster.url, prefix, mac=MAC)
    await store.start()
    try:
        assert await store.notices.add(ONE)
        await store.notices.keep(replace(ONE, due=200))
        assert [notice.due for notice in await store.notices.list()] == [200]
        assert await store.notices.lead("one", 30)
        assert not await store.notices.lead("other", 30)
        await store.notices.resign("one")
        await store.notices.note_gone("https://one.example")
        assert await store.notices.is_gone("https://one.example")
        await store.notices.remove(["msg_1"])
        assert await store.notices.count() == 0
    finally:
        await store.stop()
