import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import Store
from gateway.store.limits import LIFE, LeaseEntry, LeaseOutcome
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.stage import until, watched


def entry(
    key: str = "k",
    limit: int = 100,
    keep: int = 0,
    want: int = 0,
    *uses: int,
    low: int = 0,
    need: int = 0,
    in_use: int = 0,
) -> LeaseEntry:
    return LeaseEntry(
        key=key,
        limit=limit,
        low=low,
        ttl=60.0,
        keep=keep,
        in_use=in_use,
        need=need,
        want=want,
        at=1.0,
        uses=uses,
    )


async def settle(store: Store, worker: str, *entries: LeaseEntry) -> list[LeaseOutcome]:
    """The outcomes, without the times at which others told the store."""
    outcomes = (await store.limits.settle(worker, entries)).outcomes
    return [replace(outcome, stalest=None) for outcome in outcomes]


async def test_uses_and_loans_of_all_workers_leave_what_is_left(store: Store) -> None:
    await settle(store, "b")
    assert await settle(store, "a", entry("k", 100, 0, 10, 7, 30)) == [LeaseOutcome(10, 60, 0, 7)]
    assert await settle(store, "b", entry("k", 100, 0, 50, 9, 20)) == [LeaseOutcome(10, 30, 10, 7)]
    assert await settle(store, "a", entry("k", 100, 5, 0)) == [LeaseOutcome(0, 35, 10, 7)]


async def test_requests_that_wait_get_what_is_left_and_nothing_is_leased_in_advance_near_the_end(
    store: Store,
) -> None:
    await settle(store, "b")
    assert await settle(store, "a", entry("k", 100, want=90)) == [LeaseOutcome(25, 75, 0, None)]
    assert await settle(store, "b", entry("k", 100, want=90, need=72)) == [LeaseOutcome(72, 3, 25, None)]
    assert await settle(store, "b", entry("k", 100, keep=72, want=9)) == [LeaseOutcome(0, 3, 25, None)]
    assert await settle(store, "b", entry("k", 100, keep=72, need=9)) == [LeaseOutcome(3, 0, 25, None)]


async def test_what_is_in_flight_is_not_left_and_not_to_be_given_back(store: Store) -> None:
    await settle(store, "b")
    assert await settle(store, "a", entry("k", 3, keep=1, in_use=2)) == [LeaseOutcome(0, 0, 0, None)]
    assert await settle(store, "b", entry("k", 3, need=1)) == [LeaseOutcome(0, 0, 1, None)]
    assert await settle(store, "a", entry("k", 3, in_use=2)) == [LeaseOutcome(0, 1, 0, None)]
    assert await settle(store, "b", entry("k", 3, need=1)) == [LeaseOutcome(1, 0, 0, None)]


async def test_it_says_when_the_others_last_reported(store: Store) -> None:
    await settle(store, "b")
    first = await store.limits.settle("a", [entry("k", 3, in_use=2)])
    second = await store.limits.settle("b", [entry("k", 3, need=2)])
    assert (first.outcomes[0].stalest, second.outcomes[0].stalest) == (None, 1.0)


async def test_what_was_put_back_after_it_was_told_is_left_again(store: Store) -> None:
    assert (await settle(store, "a", entry("k", 3, 0, 0, 7, 3)))[0].left == 0
    assert await settle(store, "a", entry("k", 3, 0, 0, 7, -3)) == [LeaseOutcome(0, 3, 0, None)]


async def test_a_worker_alone_gets_all_it_wants(store: Store) -> None:
    assert await settle(store, "a", entry("k", 9, 0, 9, 0, 2)) == [LeaseOutcome(7, 0, 0, 0)]


async def test_more_may_have_been_used_than_there_is(store: Store) -> None:
    assert await settle(store, "a", entry("k", 9, 0, 9, 0, 20)) == [LeaseOutcome(0, -11, 0, 0)]


async def test_slots_that_no_longer_count_are_removed(store: Store) -> None:
    await settle(store, "a", entry("k", 9, 0, 0, 1, 4, 2, 4))
    assert await settle(store, "a", entry("k", 9, 0, 0, low=2)) == [LeaseOutcome(0, 5, 0, 2)]
    assert await settle(store, "a", entry("k", 9, 0, 0, low=3)) == [LeaseOutcome(0, 9, 0, None)]


async def test_many_keys_are_settled_in_one_round_trip(store: Store, valkey: Valkey, prefix: str) -> None:
    await settle(store, "a")
    with watched(valkey, f"{prefix}q") as commands:
        outcomes = await settle(store, "a", *(entry(f"k{number}", 10 + number) for number in range(200)))
    assert [command.split()[0] for command in commands] == ["EVALSHA"]
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
        client.hset(f"{prefix}q:k", "wdead", "9 0 1000 1000")
        client.zadd(f"{prefix}q", {"dead": 1000})
    answer = await store.limits.settle("a", [entry("k", 9, 0, 9)])
    assert (answer.workers, answer.outcomes[0].grant) == (1, 9)
    assert LIFE > 1


async def test_a_worker_that_leaves_is_counted_no_more(store: Store) -> None:
    assert (await store.limits.settle("a", [])).workers == 1
    assert (await store.limits.settle("b", [])).workers == 2
    await store.limits.leave("b")
    assert (await store.limits.settle("a", [])).workers == 1


@pytest.fixture(params=["server", "cluster"])
async def any_store(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[Store]:
    """A store on one server, and one on a cluster."""
    server = request.getfixturevalue("valkey" if request.param == "server" else "quiet_cluster")
    opened = Store(server.url, prefix, mac=MAC)
    await opened.start()
    await until(lambda: opened.link.connected)
    yield opened
    await opened.stop()


async def test_who_listens_hears_of_new_workers_and_of_what_is_left(any_store: Store) -> None:
    store = any_store
    heard: list[tuple[int, list[tuple[str, int, str]]]] = []
    ready = asyncio.Event()
    listening = asyncio.create_task(
        store.limits.listen(lambda workers, news: heard.append((workers, news)), ready.set)
    )
    try:
        await asyncio.wait_for(ready.wait(), 20)
        await settle(store, "a")
        await until(lambda: bool(heard))
        assert heard[0] == (1, [])
        heard.clear()
        await settle(store, "a", entry("k", 100, 0, 0, 1, 1))
        await until(lambda: ("k", 99, "") in [item for _, news in heard for item in news])
        heard.clear()
        await settle(store, "a", entry("k", 100, 0, 0, 1, 1))
        await settle(store, "a", entry("k", 100, 0, 0, 1, 20))
        await until(lambda: ("k", 78, "") in [item for _, news in heard for item in news])
        assert ("k", 98, "") not in [item for _, news in heard for item in news], "too little to tell"
        await settle(store, "a", entry("k", 100, keep=78))
        await settle(store, "b", entry("k", 100, need=1))
        await until(lambda: ("k", 0, "b") in [item for _, news in heard for item in news])
        heard.clear()
        await settle(store, "a", entry("k", 100, keep=77))
        await until(lambda: ("k", 1, "") in [item for _, news in heard for item in news])
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def test_without_a_store_it_says_so(own_valkey: Valkey, prefix: str) -> None:
    opened = Store(own_valkey.url, prefix, mac=MAC)
    await opened.start()
    own_valkey.kill()
    with pytest.raises(StoreUnavailable):
        await settle(opened, "a")
    await opened.stop()
