import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from gateway.errors import StoreUnavailable
from gateway.store import AttemptStore, Failures, Link
from gateway.store.listeners import Listeners
from tests.conftest import Valkey
from tests.store.stage import linked, until

HERE, THERE = "192.0.2.1", "2001:db8::1"


@pytest.fixture
def attempts(link: Link, prefix: str) -> AttemptStore:
    return AttemptStore(link, prefix)


def counts(failures: Failures) -> tuple[int, int, int]:
    assert 0 < failures.retry_after <= 60
    return failures.pair, failures.address, failures.client


async def test_at_first_nobody_has_failed(attempts: AttemptStore) -> None:
    assert await attempts.failures("shop", HERE) == Failures(0, 0, 0, retry_after=0)


async def test_counts_by_pair_by_address_and_by_client(attempts: AttemptStore) -> None:
    await attempts.record_failure("shop", HERE)
    await attempts.record_failure("shop", HERE)
    await attempts.record_failure("shop", THERE)
    last = await attempts.record_failure("other", HERE)

    assert counts(last) == (1, 3, 1)
    assert counts(await attempts.failures("shop", HERE)) == (2, 3, 3)
    assert counts(await attempts.failures("other", THERE)) == (0, 1, 1)


async def test_failures_at_once_are_all_counted(attempts: AttemptStore) -> None:
    done = await asyncio.gather(*(attempts.record_failure("shop", HERE) for _ in range(100)))

    assert sorted(one.pair for one in done) == list(range(1, 101))


async def test_a_window_ends_by_itself_however_often_it_is_hit(
    link: Link, valkey: Valkey, prefix: str
) -> None:
    attempts = AttemptStore(link, prefix, window=1)
    for _ in range(3):
        failures = await attempts.record_failure("shop", HERE)
    assert failures.retry_after == 1

    with valkey.client as other:
        assert all(0 < other.pttl(key) <= 1000 for key in other.keys(f"{prefix}*"))
        await until(lambda: not other.keys(f"{prefix}*"), within=3)
    assert (await attempts.failures("shop", HERE)).pair == 0


async def test_a_key_that_has_lost_its_end_gets_one(
    attempts: AttemptStore, valkey: Valkey, prefix: str
) -> None:
    await attempts.record_failure("shop", HERE)
    with valkey.client as other:
        for key in other.keys(f"{prefix}*"):
            other.persist(key)
        await attempts.record_failure("shop", HERE)

        assert all(other.ttl(key) > 0 for key in other.keys(f"{prefix}*"))


async def test_a_success_clears_the_pair_and_not_the_guesses_at_others(attempts: AttemptStore) -> None:
    await attempts.record_failure("shop", HERE)
    await attempts.record_failure("other", HERE)
    await attempts.clear("shop", HERE)

    assert counts(await attempts.failures("shop", HERE)) == (0, 2, 1)


@pytest.mark.parametrize("strange", ["", "x" * 100_000, "\ud800", "a\x00b", "\r\nSET x y", "192.0.2.1 shop"])
async def test_whatever_a_stranger_calls_himself_makes_short_keys(
    attempts: AttemptStore, valkey: Valkey, prefix: str, strange: str
) -> None:
    assert (await attempts.record_failure(strange, HERE)).pair == 1
    assert (await attempts.failures(strange, HERE)).client == 1

    with valkey.client as other:
        assert {len(key) for key in other.keys(f"{prefix}*")} == {len(prefix) + 4 + 24}


async def test_without_a_store_the_question_has_no_answer(attempts: AttemptStore, link: Link) -> None:
    await link.stop()
    with pytest.raises(StoreUnavailable):
        await attempts.failures("shop", HERE)
    with pytest.raises(StoreUnavailable):
        await attempts.record_failure("shop", HERE)
    with pytest.raises(StoreUnavailable):
        await attempts.clear("shop", HERE)


async def test_what_was_read_is_known_until_something_fails(valkey: Valkey, link: Link, prefix: str) -> None:
    elsewhere = AttemptStore(link, prefix)
    async with hearing(valkey, prefix) as here:
        assert here.known("shop", HERE) is None
        for who, where in [("shop", HERE), ("shop", THERE), ("other", HERE)]:
            counted = await here.failures("shop", HERE)
            assert here.known("shop", HERE) == counted
            await elsewhere.record_failure(who, where)
            await until(lambda: here.known("shop", HERE) is None)
        assert counts(await here.failures("shop", HERE)) == (1, 2, 2)


async def test_counts_are_not_known_longer_than_their_window(valkey: Valkey, prefix: str) -> None:
    now = 1000.0
    async with hearing(valkey, prefix, tick=lambda: now) as here:
        await here.record_failure("shop", HERE)
        failures = await here.failures("shop", HERE)
        now += failures.retry_after - 30
        assert here.known("shop", HERE) == failures
        now += 30
        assert here.known("shop", HERE) is None
        assert (await here.failures("shop", HERE)).pair == 1, "the store's own clock says when it is over"


async def test_a_failure_here_is_known_before_the_store_has_answered(valkey: Valkey, prefix: str) -> None:
    async with hearing(valkey, prefix) as here:
        await here.failures("shop", HERE)
        failing = asyncio.ensure_future(here.record_failure("shop", HERE))
        await asyncio.sleep(0)
        assert here.known("shop", HERE) is None
        assert not failing.done()
        await failing


async def test_what_fails_while_it_is_asked_is_heard_of_after_the_answer(valkey: Valkey, prefix: str) -> None:
    async with hearing(valkey, prefix) as here:
        for number in range(20):
            who = f"shop-{number}"
            await asyncio.gather(here.failures(who, THERE), here.record_failure(who, HERE))
            await here.failures("nobody", "192.0.2.77")
            assert here.known(who, THERE) is None


async def test_without_hearing_of_changes_nothing_is_known(attempts: AttemptStore) -> None:
    await attempts.failures("shop", HERE)
    assert attempts.known("shop", HERE) is None


async def test_long_names_are_not_remembered(valkey: Valkey, prefix: str) -> None:
    async with hearing(valkey, prefix) as here:
        await here.failures("x" * 256, HERE)
        assert here.counts.size == 0


@asynccontextmanager
async def hearing(
    valkey: Valkey, prefix: str, tick: Callable[[], float] = monotonic
) -> AsyncIterator[AttemptStore]:
    """Counts as a worker knows them that hears from the store."""
    listeners = Listeners()
    async with linked(valkey.url, tracking=True, listener=listeners) as link:
        attempts = AttemptStore(link, prefix, tick=tick)
        listeners.add(attempts.counts)
        attempts.counts.up()
        yield attempts
