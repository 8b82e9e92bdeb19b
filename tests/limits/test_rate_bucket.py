"""What one worker knows of one key: its states as a table, and what each request and settlement changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.rate_bucket import (
    DRAINED,
    EXHAUSTED,
    LEASED,
    MAX_RECHECK_INTERVAL,
    RETIRED,
    UNKNOWN,
    BucketState,
    PendingTake,
    RateBucket,
    Window,
    share_of,
)
from gateway.store.limits import LeaseOutcome

NOW = 1_800_000_000.0
MINUTE = Window(100, 60.0)
AT_ONCE = Window(2, 5.0, slots=1, returns=True)

GRANTED = LeaseOutcome(grant=2, left=10, held=0, first=None)
HELD = LeaseOutcome(grant=0, left=0, held=5, first=None)
NONE_LEFT = LeaseOutcome(grant=0, left=0, held=0, first=MINUTE.slot(NOW))


def a_bucket(lease: int = 0, window: Window = MINUTE, state: BucketState | None = None) -> RateBucket:
    bucket = RateBucket("k", window, NOW)
    bucket.lease = lease
    bucket.state = state or (LEASED if lease else DRAINED)
    return bucket


def taken(bucket: RateBucket, number: int = 1000) -> int:
    return sum(bucket.take(NOW) for _ in range(number))


def waiting(bucket: RateBucket, since: float = NOW) -> list[float | None]:
    """The decision on a request that waits, once it is there."""
    decisions: list[float | None] = []
    bucket.waiting.append(PendingTake(since, decisions.append))
    return decisions


@given(st.floats(1e9, 2e9), st.floats(0.1, 1e6))
def test_a_use_counts_for_the_windows_length_and_at_most_one_slot_more(now: float, length: float) -> None:
    window = Window(1, length)
    slot = window.slot(now)
    frees = window.frees(slot)
    assert now + length <= frees + 1e-6
    assert frees <= now + length + length / window.slots + 1e-3
    assert window.low(now + length * 0.98) <= slot, "it still counts"
    assert window.low(now + length * 1.03) > slot, "it counts no more"


def test_a_fixed_period_has_one_slot() -> None:
    window = Window(1, 86400.0, slots=1)
    assert window.slot(NOW) == window.low(NOW + 1e9) == 0


def settle(outcome: LeaseOutcome) -> Callable[[RateBucket], object]:
    return lambda bucket: bucket.settle(outcome, NOW, 2)


def take(bucket: RateBucket) -> object:
    return bucket.take(NOW)


def ask_later(bucket: RateBucket) -> object:
    return bucket.refuses(NOW + MAX_RECHECK_INTERVAL)


def put_back(bucket: RateBucket) -> object:
    return bucket.put_back(NOW, NOW)


def hear(left: int) -> Callable[[RateBucket], object]:
    return lambda bucket: bucket.on_news(left, recall=False)


@pytest.mark.parametrize(
    ("before", "lease", "event", "after"),
    [
        (UNKNOWN, 0, take, UNKNOWN),
        (UNKNOWN, 0, settle(GRANTED), LEASED),
        (UNKNOWN, 0, settle(HELD), DRAINED),
        (UNKNOWN, 0, settle(NONE_LEFT), EXHAUSTED),
        (LEASED, 2, take, LEASED),
        (LEASED, 1, take, DRAINED),
        (LEASED, 1, settle(GRANTED), LEASED),
        (LEASED, 1, settle(HELD), LEASED),
        (LEASED, 1, settle(NONE_LEFT), LEASED),
        (LEASED, 1, put_back, LEASED),
        (DRAINED, 0, take, DRAINED),
        (DRAINED, 0, settle(GRANTED), LEASED),
        (DRAINED, 0, settle(HELD), DRAINED),
        (DRAINED, 0, settle(NONE_LEFT), EXHAUSTED),
        (DRAINED, 0, put_back, LEASED),
        (EXHAUSTED, 0, take, EXHAUSTED),
        (EXHAUSTED, 0, ask_later, DRAINED),
        (EXHAUSTED, 0, settle(GRANTED), LEASED),
        (EXHAUSTED, 0, settle(HELD), DRAINED),
        (EXHAUSTED, 0, put_back, LEASED),
        (EXHAUSTED, 0, hear(1), DRAINED),
        (EXHAUSTED, 0, hear(0), EXHAUSTED),
        (RETIRED, 1, settle(GRANTED), RETIRED),
        (RETIRED, 0, settle(NONE_LEFT), RETIRED),
        (RETIRED, 0, put_back, RETIRED),
    ],
)
def test_rate_bucket_state(
    before: BucketState, lease: int, event: Callable[[RateBucket], object], after: BucketState
) -> None:
    bucket = a_bucket(lease, state=before)
    if before is EXHAUSTED:
        bucket.retry_at = NOW + MAX_RECHECK_INTERVAL
    event(bucket)
    assert bucket.state is after


def test_only_a_lease_admits_at_once() -> None:
    bucket = a_bucket(lease=3)
    assert taken(bucket) == 3
    assert sum(bucket.uses.values()) == 3
    assert not bucket.refuses(NOW), "only the store can tell"


def test_requests_that_wait_are_admitted_in_order_as_far_as_the_grant_goes() -> None:
    bucket = a_bucket()
    decisions = [waiting(bucket) for _ in range(3)]
    assert bucket.entry(NOW, 2, idle=False).need == 3
    bucket.settle(LeaseOutcome(grant=2, left=0, held=0, first=None), NOW, 2)
    assert decisions == [[NOW], [NOW], [None]]
    assert sum(bucket.uses.values()) == 2


def test_a_request_waits_on_while_others_may_give_something_back() -> None:
    bucket = a_bucket()
    decision = waiting(bucket)
    bucket.settle(HELD, NOW, 2)
    assert decision == []
    bucket.settle(LeaseOutcome(grant=1, left=0, held=4, first=None), NOW, 2)
    assert decision == [NOW]


def test_others_requests_in_flight_count_as_of_after_the_request_came() -> None:
    bucket = a_bucket(window=AT_ONCE)
    decision = waiting(bucket, since=NOW)
    bucket.settle(LeaseOutcome(0, 0, 0, None, stalest=NOW - 0.1), NOW, 2)
    assert decision == [], "one of them may have ended since"
    bucket.settle(LeaseOutcome(0, 0, 0, None, stalest=NOW + 0.1), NOW, 2)
    assert decision == [None]


def test_where_none_is_left_requests_are_refused_until_the_first_use_counts_no_more() -> None:
    bucket = a_bucket(window=Window(5, 0.5))
    bucket.settle(LeaseOutcome(0, 0, 0, bucket.window.slot(NOW)), NOW, 2)
    assert bucket.refuses(NOW + 0.49)
    assert not bucket.refuses(NOW + 0.51)


def test_a_recalled_lease_goes_back() -> None:
    bucket = a_bucket(lease=7)
    bucket.on_news(0, recall=True)
    assert bucket.urgent
    entry = bucket.entry(NOW, 2, idle=False)
    assert (entry.keep, entry.want) == (0, 0)
    assert (bucket.lease, bucket.state, bucket.recalled) == (0, DRAINED, False)


def test_an_idle_worker_gives_back_unless_it_is_alone() -> None:
    for workers, kept in ((1, 7), (2, 0)):
        assert a_bucket(lease=7).entry(NOW, workers, idle=True).keep == kept


def test_a_worker_alone_leases_all() -> None:
    assert a_bucket().entry(NOW, 1, idle=False).want == 100


def test_what_the_store_did_not_confirm_counts_again() -> None:
    bucket = a_bucket(lease=10)
    assert taken(bucket) == 10
    before = dict(bucket.uses)
    bucket.failed(bucket.entry(NOW, 2, idle=False), NOW, 50)
    assert bucket.uses == before
    assert not bucket.asking


def test_requests_that_wait_for_a_store_that_fails_are_judged_by_the_workers_share() -> None:
    bucket = a_bucket()
    decisions = [waiting(bucket) for _ in range(3)]
    bucket.failed(bucket.entry(NOW, 2, idle=False), NOW, share=2)
    assert decisions == [[NOW], [NOW], [None]]


def test_undoing_leaves_no_trace() -> None:
    bucket = a_bucket(lease=2)
    for _ in range(3):
        assert bucket.take(NOW)
        bucket.put_back(NOW + 30, taken_at=NOW)
    assert bucket.lease == 2
    assert not any(bucket.uses.values())


def test_undoing_what_the_store_was_told_is_told_as_well() -> None:
    bucket = a_bucket(lease=1)
    assert bucket.take(NOW)
    assert bucket.entry(NOW, 2, idle=False).uses == (MINUTE.slot(NOW), 1)
    bucket.settle(LeaseOutcome(0, 9, 0, None), NOW, 2)
    bucket.put_back(NOW + 30, taken_at=NOW)
    entry = bucket.entry(NOW + 30, 2, idle=False)
    assert entry.uses == (MINUTE.slot(NOW), -1)


def test_what_is_put_back_goes_to_a_request_that_waits() -> None:
    bucket = a_bucket(lease=2, window=AT_ONCE)
    assert taken(bucket) == 2
    decision = waiting(bucket)
    bucket.put_back(NOW, NOW)
    assert decision == [NOW]
    entry = bucket.entry(NOW, 1, idle=False)
    assert (entry.keep, entry.in_use, entry.uses) == (0, 2, ())


@pytest.mark.parametrize(("workers", "share"), [(1, 100), (3, 33), (200, 1)])
def test_without_a_store_a_worker_keeps_to_its_share(workers: int, share: int) -> None:
    bucket = a_bucket()
    assert share_of(100, workers) == share
    admitted = sum(bucket.take_alone(NOW + step / 100, share) for step in range(1000))
    assert admitted == share
    assert bucket.take_alone(NOW + 61, share), "the window slides"


def test_what_was_known_to_be_used_up_stays_so_without_a_store() -> None:
    bucket = a_bucket()
    bucket.settle(NONE_LEFT, NOW, 1)
    assert not bucket.take_alone(NOW + 59, 100)
    assert bucket.take_alone(NOW + 61, 100)


def test_it_says_when_there_will_be_more() -> None:
    bucket = a_bucket(lease=10)
    assert bucket.resets(NOW) == 60.0
    bucket.take(NOW)
    assert 60.0 <= bucket.resets(NOW) <= 60.7
    assert 30.0 <= bucket.resets(NOW + 30) <= 30.7
    bucket.settle(LeaseOutcome(0, 5, 0, MINUTE.slot(NOW - 50)), NOW, 1)
    assert 10.0 <= bucket.resets(NOW) <= 10.7


def resets_of(bucket: RateBucket, now: float) -> float:
    """The same from the uses alone."""
    slots = [slot for slot, count in bucket.uses.items() if count > 0]
    slots += [] if bucket.oldest is None else [bucket.oldest]
    window = bucket.window
    return min(max(window.frees(min(slots)) - now, 0.0), 2 * window.length) if slots else window.length


@pytest.mark.parametrize("window", [MINUTE, Window(100, 0.1), Window(100, 86_400.0, slots=1)])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["take", "take", "put back", "settle", "fail", "alone"]), st.floats(-0.01, 1)
        ),
        max_size=60,
    )
)
def test_each_use_is_in_the_slot_of_its_time_whatever_comes_between(
    window: Window, steps: list[tuple[str, float]]
) -> None:
    bucket, now = a_bucket(lease=50, window=window), NOW
    taken: list[float] = []
    expected: Counter[int] = Counter()
    for what, passed in steps:
        now += passed
        if what == "take" and bucket.take(now):
            taken.append(now)
            expected[window.slot(now)] += 1
        elif what == "put back" and taken:
            expected[window.slot(taken[-1])] -= 1
            bucket.put_back(now, taken.pop())
        elif what == "settle":
            bucket.entry(now, 1, idle=False)
            expected.clear()
            bucket.settle(LeaseOutcome(5, 10, 0, window.slot(now - window.length / 2)), now, 1)
        elif what == "fail":
            bucket.failed(bucket.entry(now, 1, idle=False), now, 100)
        elif what == "alone" and bucket.take_alone(now, 100):
            expected[window.slot(now)] += 1
            old = [slot for slot in expected if slot < window.low(now)]
            for slot in old:
                del expected[slot]
        assert {slot: count for slot, count in bucket.uses.items() if count} == {
            slot: count for slot, count in expected.items() if count
        }
        assert bucket.resets(now) == resets_of(bucket, now)
