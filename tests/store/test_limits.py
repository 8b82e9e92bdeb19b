import asyncio
from contextlib import suppress

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import Store
from gateway.store.limits import LIFE, Entry, Outcome
from tests.conftest import Valkey
from tests.store.stage import until


def entry(key: str = "k", limit: int = 100, keep: int = 0, want: int = 0, *uses: int, low: int = 0) -> Entry:
    return Entry(key, limit, low, 60.0, keep, want, uses)


async def settle(store: Store, worker: str, *entries: Entry) -> list[Outcome]:
    return list((await store.limits.settle(worker, entries)).outcomes)


async def test_uses_and_loans_of_all_workers_leave_what_is_left(store: Store) -> None:
    await settle(store, "b")
    assert await settle(store, "a", entry("k", 100, 0, 10, 7, 30)) == [Outcome(10, 60, 0, 7)]
    assert await settle(store, "b", entry("k", 100, 0, 50, 9, 20)) == [Outcome(20, 20, 10, 7)]
    assert await settle(store, "a", entry("k", 100, 5, 0)) == [Outcome(0, 25, 20, 7)]


async def test_a_loan_is_a_fair_share_of_what_is_left_and_the_last_one_goes_to_who_asks(
    store: Store,
) -> None:
    await settle(store, "b")
    assert (await settle(store, "a", entry("k", 9, 0, 9)))[0].grant == 4
    assert (await settle(store, "b", entry("k", 9, 0, 9)))[0].grant == 2
    assert (await settle(store, "b", entry("k", 9, 2, 9)))[0].grant == 1
    assert (await settle(store, "b", entry("k", 9, 3, 9)))[0].grant == 1
    assert await settle(store, "b", entry("k", 9, 4, 9)) == [Outcome(1, 0, 4, None)]
    assert await settle(store, "b", entry("k", 9, 5, 9)) == [Outcome(0, 0, 4, None)]


async def test_a_worker_alone_gets_all_it_wants(store: Store) -> None:
    assert await settle(store, "a", entry("k", 9, 0, 9, 0, 2)) == [Outcome(7, 0, 0, 0)]


async def test_more_may_have_been_used_than_there_is(store: Store) -> None:
    assert await settle(store, "a", entry("k", 9, 0, 9, 0, 20)) == [Outcome(0, -11, 0, 0)]


async def test_slots_that_no_longer_count_are_removed(store: Store) -> None:
    await settle(store, "a", entry("k", 9, 0, 0, 1, 4, 2, 4))
    assert await settle(store, "a", entry("k", 9, 0, 0, low=2)) == [Outcome(0, 5, 0, 2)]
    assert await settle(store, "a", entry("k", 9, 0, 0, low=3)) == [Outcome(0, 9, 0, None)]


async def test_many_keys_are_settled_in_one_round_trip(store: Store, valkey: Valkey) -> None:
    await settle(store, "a")
    with valkey.client as client:
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        outcomes = await settle(store, "a", *(entry(f"k{number}", 10 + number) for number in range(200)))
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    assert [outcome.left for outcome in outcomes] == [10 + number for number in range(200)]


async def test_every_key_has_an_end_and_none_tells_whose_it_is(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    await settle(store, "a", entry("k", 9, 0, 3, 1, 4))
    with valkey.client as client:
        found = {key.decode(): client.pttl(key) for key in client.scan_iter(f"{prefix}*")}
    assert set(found) == {f"{prefix}q", f"{prefix}q:k"}
    assert all(0 < left <= 60_000 for left in found.values())


async def test_what_a_dead_worker_had_is_free_again(store: Store, valkey: Valkey, prefix: str) -> None:
    await settle(store, "dead", entry("k", 9, 0, 9))
    assert (await settle(store, "a", entry("k", 9, 0, 9)))[0].grant == 0
    with valkey.client as client:
        # As if its time were over.
        client.hset(f"{prefix}q:k", "wdead", "9 1000")
        client.zadd(f"{prefix}q", {"dead": 1000})
    answer = await store.limits.settle("a", [entry("k", 9, 0, 9)])
    assert (answer.workers, answer.outcomes[0].grant) == (1, 9)
    assert LIFE > 1


async def test_a_worker_that_leaves_is_counted_no_more(store: Store) -> None:
    assert (await store.limits.settle("a", [])).workers == 1
    assert (await store.limits.settle("b", [])).workers == 2
    await store.limits.leave("b")
    assert (await store.limits.settle("a", [])).workers == 1


async def test_who_listens_hears_of_new_workers_and_of_what_is_left(store: Store, valkey: Valkey) -> None:
    heard: list[tuple[int, list[tuple[str, int]]]] = []
    ready = asyncio.Event()
    listening = asyncio.create_task(
        store.limits.listen(lambda workers, news: heard.append((workers, news)), ready.set)
    )
    try:
        await asyncio.wait_for(ready.wait(), 5)
        await settle(store, "a")
        await until(lambda: bool(heard))
        assert heard[0] == (1, [])
        heard.clear()
        await settle(store, "a", entry("k", 100, 0, 0, 1, 1))
        await until(lambda: ("k", 99) in [item for _, news in heard for item in news])
        heard.clear()
        await settle(store, "a", entry("k", 100, 0, 0, 1, 1))
        await settle(store, "a", entry("k", 100, 0, 0, 1, 20))
        await until(lambda: ("k", 78) in [item for _, news in heard for item in news])
        assert ("k", 98) not in [item for _, news in heard for item in news], "too little to tell"
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def test_without_a_store_it_says_so(own_valkey: Valkey, prefix: str) -> None:
    opened = Store(own_valkey.url, prefix)
    await opened.start()
    own_valkey.kill()
    with pytest.raises(StoreUnavailable):
        await settle(opened, "a")
    await opened.stop()
