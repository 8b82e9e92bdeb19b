import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.limits import Limits, RateBucket, Window
from gateway.store import Store
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.store.stage import until

Start = Callable[[int], Awaitable[list[Limits]]]


@pytest.fixture
async def start(valkey: Valkey, prefix: str) -> AsyncIterator[Start]:
    """Starts workers, each with connections of its own, and waits until they know of each other."""
    stores: list[Store] = []
    started: list[Limits] = []

    async def begin(number: int) -> list[Limits]:
        for _ in range(number):
            store = Store(valkey.url, prefix, mac=MAC)
            await store.start()
            stores.append(store)
            limits = Limits(store.limits)
            await limits.start()
            started.append(limits)
        await until(lambda: all(limits._lease_table.workers == number for limits in started))
        return started

    yield begin
    for limits in started:
        await limits.stop()
    for store in stores:
        await store.stop()


async def flood(workers: list[Limits], window: Window, seconds: float, enough: int = 0) -> list[float]:
    """Asks all workers without end; when something was admitted, by the store's time.

    For at least so many seconds, and until `enough` are admitted, which may take ten.
    """
    admitted: list[float] = []
    end = time.monotonic() + seconds

    async def drive(limits: Limits) -> None:
        # A loaded machine may not come to ask often enough in the time.
        turns = window.limit // 2
        while time.monotonic() < end or turns > 0 or (len(admitted) < enough and time.monotonic() < end + 10):
            turns -= 1
            bucket = limits.find("limit", "a", window)
            for _ in range(5):
                now = limits.now()
                taken = limits.take(bucket, now)
                taken_at = (now if taken else None) if isinstance(taken, bool) else await taken
                admitted.extend([] if taken_at is None else [taken_at])
            await asyncio.sleep(0.001)

    await asyncio.gather(*(drive(limits) for limits in workers))
    return sorted(admitted)


async def take(limits: Limits, bucket: RateBucket) -> bool:
    """Whether a request is admitted, once that is known."""
    admitted = limits.take(bucket)
    return admitted if isinstance(admitted, bool) else await admitted is not None


def calls(valkey: Valkey) -> int:
    with valkey.client as client:
        stats = client.info("commandstats")
    return sum(stats.get(name, {"calls": 0})["calls"] for name in ("cmdstat_evalsha", "cmdstat_eval"))


@pytest.mark.parametrize(("number", "limit"), [(1, 5), (1, 1000), (2, 20), (4, 200), (4, 1000)])
async def test_all_workers_together_stay_within_the_limit(
    start: Start, valkey: Valkey, number: int, limit: int
) -> None:
    workers = await start(number)
    before, began = calls(valkey), time.monotonic()
    admitted = len(await flood(workers, Window(limit, 60.0), 0.7))
    assert admitted == limit
    took = time.monotonic() - began
    assert calls(valkey) - before < (60 + 40 * number) * max(1.0, took / 0.7)


async def test_the_window_slides_and_gives_all_that_there_is(start: Start) -> None:
    workers = await start(2)
    admitted = await flood(workers, Window(200, 0.5), 1.8, enough=500)
    for index, now in enumerate(admitted):
        assert sum(1 for later in admitted[index:] if later < now + 0.5) <= 200
    assert len(admitted) >= 500, "three windows' worth, and a fourth begun"


async def test_what_one_worker_gave_out_no_other_gives_again(start: Start) -> None:
    one, two = await start(2)
    window = Window(100, 60.0)
    assert len(await flood([one], window, 0.5)) == 100
    assert not await take(two, two.find("limit", "a", window)), "the store knows"


async def test_an_idle_worker_gives_back_what_it_has_on_loan(start: Start) -> None:
    one, two = await start(2)
    window = Window(100, 60.0)
    bucket = one.find("limit", "a", window)
    first = sum([await take(one, bucket) for _ in range(30)])
    await until(lambda: bucket.known is not None and not bucket.lease)
    rest = await flood([two], window, 1.0)
    assert first + len(rest) == 100


async def test_what_is_under_way_is_counted_everywhere_and_comes_back(start: Start) -> None:
    workers = await start(2)
    window = Window(4, 5.0, slots=1, returns=True)
    buckets = [limits.find("at once", "a", window) for limits in workers]
    entered = []

    async def full() -> bool:
        for limits, bucket in zip(workers, buckets, strict=True):
            if await take(limits, bucket):
                entered.append((limits, bucket))
        await asyncio.sleep(0.01)
        return len(entered) >= 4

    await until(full)
    await asyncio.sleep(0.3)
    for limits, bucket in zip(workers, buckets, strict=True):
        assert not await take(limits, bucket)
    for limits, bucket in entered:
        limits.put_back(bucket, 0.0)
    entered.clear()
    await until(full)


async def test_without_a_store_a_worker_goes_on_within_its_share(own_valkey: Valkey, prefix: str) -> None:
    store = Store(own_valkey.url, prefix, mac=MAC)
    await store.start()
    limits = Limits(store.limits)
    await limits.start()
    used, fresh = Window(50, 60.0), Window(30, 60.0)
    assert len(await flood([limits], used, 0.2)) == 50
    own_valkey.kill()
    await until(lambda: limits.away)
    assert not await flood([limits], used, 0.1), "used up stays used up"
    other = limits.find("limit", "other", fresh)
    assert sum([await take(limits, other) for _ in range(1000)]) == 30
    own_valkey.start()
    await until(lambda: not limits.away)

    async def told() -> bool:
        with own_valkey.client as client:
            values = client.hgetall(f"{prefix}q:{other.key}")
        return sum(int(value) for name, value in values.items() if not name.startswith(b"w")) == 30

    await until(told)
    await limits.stop()
    await store.stop()


async def test_a_store_that_hangs_counts_as_away(own_valkey: Valkey, prefix: str) -> None:
    store = Store(own_valkey.url, prefix, mac=MAC)
    await store.start()
    limits = Limits(store.limits)
    await limits.start()
    own_valkey.freeze()
    bucket = limits.find("limit", "a", Window(3, 60.0))
    assert [await take(limits, bucket) for _ in range(4)] == [True, True, True, False]
    assert limits.away
    own_valkey.thaw()
    await until(lambda: not limits.away)
    await limits.stop()
    await store.stop()


async def test_it_runs_as_long_as_one_plugin_needs_it(store: Store) -> None:
    limits = Limits(store.limits)
    await limits.stop()
    await limits.start()
    await limits.start()
    await limits.stop()
    assert (await store.limits.settle("other", [])).workers == 2
    await limits.stop()
    assert (await store.limits.settle("other", [])).workers == 1


def test_without_any_store_it_limits_by_itself() -> None:
    limits = Limits(None, lambda: 0.0, lambda: 0.0)
    bucket = limits.find("limit", "a", Window(3, 60.0))
    assert [limits.take(bucket) for _ in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize("limit", [1, 20])
async def test_the_first_requests_pass_whichever_worker_gets_them(start: Start, limit: int) -> None:
    workers = await start(2)
    window = Window(limit, 60.0)
    outcomes = []
    for index in range(limit + 5):
        limits = workers[index % 3 % 2]
        outcomes.append(await take(limits, limits.find("limit", "a", window)))
    assert outcomes == [True] * limit + [False] * 5


async def test_requests_at_once_pass_on_workers_that_take_turns(start: Start) -> None:
    workers = await start(2)
    window = Window(2, 5.0, slots=1, returns=True)
    for turn in range(20):
        one, two = workers[turn % 2], workers[(turn + turn // 2) % 2]
        places = [(limits, limits.find("at once", "a", window)) for limits in (one, two)]
        assert [await take(*place) for place in places] == [True, True]
        assert not await take(*places[turn // 4 % 2]), "one too many"
        for limits, bucket in places:
            limits.put_back(bucket, 0.0)


async def test_a_request_that_is_given_up_leaves_its_place(start: Start, valkey: Valkey) -> None:
    one, two = await start(2)
    window = Window(1, 5.0, slots=1, returns=True)
    assert await take(one, one.find("at once", "a", window))
    waiting = asyncio.ensure_future(take(two, two.find("at once", "a", window)))
    await asyncio.sleep(0.002)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    one.put_back(one.find("at once", "a", window), 0.0)
    assert await take(one, one.find("at once", "a", window))
