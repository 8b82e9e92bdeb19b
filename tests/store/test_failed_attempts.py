"""Failed attempts are counted in the store, in one step each, and known to workers that hear of changes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.brute_force import Attempt, LockoutPolicy
from gateway.store import FailedAttempts, FailedAttemptStore, RedisConnection
from gateway.store.failed_attempts import LONGEST_KNOWN
from gateway.store.invalidation_listeners import InvalidationListeners
from gateway.store.key_names import KeyNames
from tests.conftest import Valkey
from tests.store.stage import linked, until

RULES = LockoutPolicy(pair_limit=10, address_limit=50, window=60)


def attempt(name: str = "shop", address: str = "192.0.2.1", area: str = "token") -> Attempt:
    return Attempt(area, name, address)


SHOP, OTHER = attempt(), attempt("other")
SHOP_ELSEWHERE = attempt(address="2001:db8::/64")


@pytest.fixture
def attempts(link: RedisConnection, prefix: str) -> FailedAttemptStore:
    return FailedAttemptStore(link, KeyNames(prefix))


def counts(failures: FailedAttempts) -> tuple[int, int, int]:
    return failures.pair, failures.address, failures.client


async def test_at_first_nobody_has_failed(attempts: FailedAttemptStore) -> None:
    assert await attempts.read(SHOP, RULES) == FailedAttempts()


async def test_counts_by_pair_by_address_and_by_client(attempts: FailedAttemptStore) -> None:
    await attempts.failed(SHOP, RULES)
    await attempts.failed(SHOP, RULES)
    await attempts.failed(SHOP_ELSEWHERE, RULES)
    last = await attempts.failed(OTHER, RULES)

    assert (counts(last), last.counted) == ((1, 3, 1), True)
    assert counts(await attempts.read(SHOP, RULES)) == (2, 3, 3)
    assert counts(await attempts.read(attempt("other", "2001:db8::/64"), RULES)) == (0, 1, 1)


async def test_areas_are_counted_apart(attempts: FailedAttemptStore) -> None:
    await attempts.failed(SHOP, RULES)
    assert counts(await attempts.read(attempt(area="portal"), RULES)) == (0, 0, 0)


async def test_of_failures_at_once_no_more_are_counted_than_the_limit(
    attempts: FailedAttemptStore,
) -> None:
    done = await asyncio.gather(*(attempts.failed(SHOP, RULES) for _ in range(100)))

    assert sorted(one.pair for one in done if one.counted) == list(range(1, 11))
    assert counts(await attempts.read(SHOP, RULES)) == (10, 10, 10), "what a lock refuses counts nowhere"


async def test_an_address_is_full_whatever_the_names(attempts: FailedAttemptStore) -> None:
    done = await asyncio.gather(*(attempts.failed(attempt(f"n{n}"), RULES) for n in range(80)))

    assert sum(one.counted for one in done) == 50
    assert all(0 < one.retry_after <= 60 for one in done if not one.counted)


async def test_a_window_ends_by_itself_however_often_it_is_hit(
    attempts: FailedAttemptStore, valkey: Valkey, prefix: str
) -> None:
    short = LockoutPolicy(pair_limit=3, window=1)

    async def locked() -> bool:
        # A machine that stands still for longer than the window begins anew.
        return [await attempts.failed(SHOP, short) for _ in range(5)][-1].retry_after == 1

    await until(locked)
    with valkey.client as other:
        left = [other.pttl(key) for key in other.keys(f"{prefix}*")]
        assert all(time == -2 or 0 <= time <= 1000 for time in left), "each ends, or has just ended"
        await until(lambda: not other.keys(f"{prefix}*"))
    assert (await attempts.read(SHOP, short)).pair == 0


@pytest.mark.parametrize("full", [False, True])
async def test_a_key_that_has_lost_its_end_gets_one(
    attempts: FailedAttemptStore, valkey: Valkey, prefix: str, full: bool
) -> None:
    rules = LockoutPolicy(pair_limit=1 if full else 10)
    await attempts.failed(SHOP, rules)
    with valkey.client as other:
        for key in other.keys(f"{prefix}*"):
            other.persist(key)
        await attempts.failed(SHOP, rules)

        assert all(other.ttl(key) > 0 for key in other.keys(f"{prefix}*"))


async def test_a_success_is_known_from_there_on_and_forgives_no_guesses(attempts: FailedAttemptStore) -> None:
    await attempts.failed(SHOP, RULES)
    assert not (await attempts.read(SHOP, RULES)).succeeded_before

    after = await attempts.succeeded(SHOP, RULES)
    assert (counts(after), after.succeeded_before) == ((1, 1, 1), True)
    assert (await attempts.read(SHOP, RULES)).succeeded_before
    assert not (await attempts.read(SHOP_ELSEWHERE, RULES)).succeeded_before
    assert not (await attempts.read(OTHER, RULES)).succeeded_before


async def test_a_right_secret_behind_a_lock_is_not_noted_as_a_success(attempts: FailedAttemptStore) -> None:
    rules = LockoutPolicy(address_limit=1)
    await attempts.failed(OTHER, rules)
    assert not (await attempts.succeeded(SHOP, rules)).succeeded_before


@pytest.mark.parametrize("strange", ["", "x" * 100_000, "\ud800", "a\x00b", "\r\nSET x y", "192.0.2.1 shop"])
async def test_whatever_a_stranger_calls_himself_makes_short_keys(
    attempts: FailedAttemptStore, valkey: Valkey, prefix: str, strange: str
) -> None:
    assert (await attempts.failed(attempt(strange), RULES)).pair == 1
    assert (await attempts.read(attempt(strange), RULES)).client == 1

    with valkey.client as other:
        assert {len(key) for key in other.keys(f"{prefix}*")} == {len(prefix) + 4 + 24}


async def test_without_a_store_the_question_has_no_answer(
    attempts: FailedAttemptStore, link: RedisConnection
) -> None:
    await link.stop()
    for ask in (attempts.read, attempts.failed, attempts.succeeded):
        with pytest.raises(StoreUnavailable):
            await ask(SHOP, RULES)


async def test_what_was_read_is_known_until_something_fails(
    valkey: Valkey, link: RedisConnection, prefix: str
) -> None:
    elsewhere = FailedAttemptStore(link, KeyNames(prefix))
    async with hearing(valkey, prefix) as here:
        assert here.known(SHOP) is None
        for failing in (SHOP, SHOP_ELSEWHERE, OTHER):
            counted = await here.read(SHOP, RULES)
            assert here.known(SHOP) == counted
            await elsewhere.failed(failing, RULES)
            await until(lambda: here.known(SHOP) is None)
        assert counts(await here.read(SHOP, RULES)) == (1, 2, 2)


async def test_a_first_success_is_known_at_once(valkey: Valkey, prefix: str) -> None:
    async with hearing(valkey, prefix) as here:
        await here.succeeded(SHOP, RULES)
        await here.read(OTHER, RULES)
        known = here.known(SHOP)
        assert known is not None
        assert known.succeeded_before


async def test_counts_are_not_known_longer_than_their_window(valkey: Valkey, prefix: str) -> None:
    now = 1000.0
    async with hearing(valkey, prefix, tick=lambda: now) as here:
        await here.failed(SHOP, RULES)
        failures = await here.read(SHOP, RULES)
        now += 30
        assert here.known(SHOP) == failures
        now += 30
        assert here.known(SHOP) is None
        assert (await here.read(SHOP, RULES)).pair == 1, "the store's own clock says when it is over"


async def test_a_lock_that_is_known_tells_how_long_it_still_lasts(valkey: Valkey, prefix: str) -> None:
    now, rules = 1000.0, LockoutPolicy(pair_limit=1)
    async with hearing(valkey, prefix, tick=lambda: now) as here:
        await here.failed(SHOP, rules)
        assert (await here.failed(SHOP, rules)).retry_after == 60
        now += 30
        known = here.known(SHOP)
        assert known is not None
        assert known.retry_after == 30


async def test_a_success_is_asked_about_again_in_time(valkey: Valkey, prefix: str) -> None:
    now = 1000.0
    async with hearing(valkey, prefix, tick=lambda: now) as here:
        await here.succeeded(SHOP, RULES)
        now += LONGEST_KNOWN
        assert here.known(SHOP) is None


async def test_a_failure_here_is_known_before_the_store_has_answered(valkey: Valkey, prefix: str) -> None:
    async with hearing(valkey, prefix) as here:
        await here.read(SHOP, RULES)
        failing = asyncio.ensure_future(here.failed(SHOP, RULES))
        await asyncio.sleep(0)
        assert here.known(SHOP) is None
        assert not failing.done()
        await failing


async def test_what_fails_while_it_is_asked_is_heard_of_after_the_answer(valkey: Valkey, prefix: str) -> None:
    async with hearing(valkey, prefix) as here:
        for number in range(20):
            name = f"shop-{number}"
            there = attempt(name, "192.0.2.2")
            await asyncio.gather(here.read(there, RULES), here.failed(attempt(name), LockoutPolicy(10, 100)))
            await here.read(attempt("nobody", "192.0.2.77"), RULES)
            assert here.known(there) is None


async def test_without_hearing_of_changes_nothing_is_known(attempts: FailedAttemptStore) -> None:
    await attempts.read(SHOP, RULES)
    assert attempts.known(SHOP) is None


async def test_long_names_are_not_remembered(valkey: Valkey, prefix: str) -> None:
    async with hearing(valkey, prefix) as here:
        await here.read(attempt("x" * 256), RULES)
        assert here.counts.size == 0


@asynccontextmanager
async def hearing(
    valkey: Valkey, prefix: str, tick: Callable[[], float] = monotonic
) -> AsyncIterator[FailedAttemptStore]:
    """Counts as a worker knows them that hears from the store."""
    listeners = InvalidationListeners()
    async with linked(valkey.url, tracking=True, listener=listeners) as link:
        attempts = FailedAttemptStore(link, KeyNames(prefix), tick=tick)
        listeners.add(attempts.counts)
        attempts.counts.on_tracking_on()
        yield attempts
