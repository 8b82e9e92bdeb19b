import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.bucket import Bucket, Window, credit_of, share_of
from gateway.store.limits import Outcome

NOW = 1_800_000_000.0
MINUTE = Window(100, 60.0)


def a_bucket(credit: int = 10, window: Window = MINUTE) -> Bucket:
    return Bucket("k", window, credit, NOW)


def taken(bucket: Bucket, number: int = 1000) -> int:
    return sum(bucket.take(NOW) for _ in range(number))


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


def test_what_is_on_loan_is_used_before_what_is_used_on_trust() -> None:
    bucket = a_bucket(credit=2)
    bucket.lease = 3
    assert taken(bucket) == 5
    assert (bucket.lease, bucket.credit, bucket.on_trust) == (0, 0, 2)
    assert sum(bucket.uses.values()) == 5


def test_what_was_used_on_trust_meanwhile_comes_out_of_what_arrives() -> None:
    bucket = a_bucket(credit=5, window=Window(5, 60.0))
    assert bucket.take(NOW)
    entry = bucket.entry(NOW, 1, idle=False)
    assert (entry.uses[1], entry.keep, entry.want) == (1, 0, 5)
    assert taken(bucket) == 4
    bucket.settle(Outcome(grant=4, left=0, held=0, first=0), NOW, 1)
    assert taken(bucket) == 0, "five in all"


def test_a_worker_that_has_never_asked_asks_for_nothing_where_there_are_others() -> None:
    bucket = a_bucket()
    bucket.take(NOW)
    assert bucket.entry(NOW, 2, idle=False).want == 0
    bucket.settle(Outcome(0, 50, 0, 0), NOW, 2)
    bucket.credit = 0
    assert bucket.entry(NOW, 2, idle=False).want > 0


def test_an_idle_worker_gives_back_unless_it_is_alone() -> None:
    for workers, kept in ((1, 7), (2, 0)):
        bucket = a_bucket()
        bucket.lease = 7
        assert bucket.entry(NOW, workers, idle=True).keep == kept


def test_what_the_store_did_not_confirm_counts_again() -> None:
    bucket = a_bucket()
    assert taken(bucket) == 10
    before = dict(bucket.uses)
    bucket.failed(bucket.entry(NOW, 2, idle=False))
    assert bucket.uses == before
    assert not bucket.asking


def test_undoing_leaves_no_trace() -> None:
    bucket = a_bucket(credit=1)
    bucket.lease = 1
    for _ in range(3):
        assert bucket.take(NOW)
        bucket.put_back(NOW)
    assert bucket.lease + bucket.credit == 2
    assert not sum(bucket.uses.values())


def test_what_is_under_way_comes_back() -> None:
    bucket = a_bucket(credit=2, window=Window(2, 5.0, slots=1, returns=True))
    assert taken(bucket) == 2
    bucket.put_back(NOW)
    assert taken(bucket) == 1
    entry = bucket.entry(NOW, 1, idle=False)
    assert (entry.keep, entry.uses) == (2, ())


@pytest.mark.parametrize(("workers", "share"), [(1, 100), (3, 33), (200, 1)])
def test_without_a_store_a_worker_keeps_to_its_share(workers: int, share: int) -> None:
    bucket = a_bucket(credit=0)
    assert share_of(100, workers) == share
    admitted = sum(bucket.take_alone(NOW + step / 100, share) for step in range(1000))
    assert admitted == share
    assert bucket.take_alone(NOW + 61, share), "the window slides"


def test_what_was_known_to_be_used_up_stays_so_without_a_store() -> None:
    bucket = a_bucket(credit=0)
    bucket.settle(Outcome(0, 0, 0, MINUTE.slot(NOW)), NOW, 1)
    assert not bucket.take_alone(NOW + 59, 100)
    assert bucket.take_alone(NOW + 61, 100)


@given(st.integers(-10, 10**6), st.integers(2, 64))
def test_all_credit_together_is_less_than_what_is_left(left: int, workers: int) -> None:
    assert 0 <= workers * credit_of(left, workers) <= max(0, left)


def test_it_says_when_there_will_be_more() -> None:
    bucket = a_bucket()
    assert bucket.resets(NOW) == 60.0
    bucket.take(NOW)
    assert 60.0 <= bucket.resets(NOW) <= 60.7
    assert 30.0 <= bucket.resets(NOW + 30) <= 30.7
    bucket.settle(Outcome(0, 5, 0, MINUTE.slot(NOW - 50)), NOW, 1)
    assert 10.0 <= bucket.resets(NOW) <= 10.7


def test_news_takes_credit_away_and_gives_none() -> None:
    bucket = a_bucket(credit=10)
    bucket.hear(16, 2, NOW)
    assert (bucket.credit, bucket.left) == (2, 16)
    bucket.hear(100, 2, NOW)
    assert bucket.credit == 2
