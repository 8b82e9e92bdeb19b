from collections.abc import Iterator
from itertools import pairwise
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.limits.lease_table import LeaseTable
from gateway.limits.rate_bucket import Window
from tests.conftest import Valkey
from tests.limits.stage import Time, team

REAL = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example has a real store to settle with."""


@pytest.fixture
def client(valkey: Valkey) -> Iterator[redis.Redis]:
    with valkey.client as made:
        yield made


def most_within(times: list[float], length: float) -> int:
    """The most that were admitted in any stretch of time of that length."""
    most = first = 0
    for index, time in enumerate(times):
        while time - times[first] >= length:
            first += 1
        most = max(most, index - first + 1)
    return most


@given(
    limit=st.integers(1, 60),
    steps=st.lists(st.tuples(st.floats(0, 7), st.integers(1, 40)), min_size=1, max_size=12),
)
@REAL
def test_one_worker_never_admits_more_than_the_limit_in_any_window(
    client: redis.Redis, limit: int, steps: list[tuple[float, int]]
) -> None:
    time, window = Time(), Window(limit, 10.0)
    (worker,) = team(client, f"test-{uuid4().hex}:", 1, time)
    admitted: list[float] = []
    for pause, number in steps:
        time.now += pause
        for _ in range(2):
            admitted += [time.now] * worker.flood(window, number)
            worker.settle()
    assert most_within(admitted, window.length) <= limit


@given(
    workers=st.integers(2, 4),
    limit=st.integers(4, 300),
    steps=st.lists(
        st.tuples(st.floats(0, 4), st.integers(0, 3), st.integers(1, 200)), min_size=1, max_size=14
    ),
)
@REAL
def test_several_workers_that_settle_admit_together_no_more_than_the_limit(
    client: redis.Redis, workers: int, limit: int, steps: list[tuple[float, int, int]]
) -> None:
    time, window = Time(), Window(limit, 10.0)
    all_workers = team(client, f"test-{uuid4().hex}:", workers, time)
    admitted: list[float] = []
    for pause, index, number in steps:
        time.now += pause
        worker = all_workers[index % workers]
        admitted += [time.now] * worker.flood(window, number)
        for other in all_workers:
            other.settle()
    assert most_within(admitted, window.length) <= limit


def test_there_is_no_edge_for_a_double_burst(client: redis.Redis, prefix: str) -> None:
    time, window = Time(), Window(100, 10.0)
    (worker,) = team(client, prefix, 1, time)
    admitted: list[float] = []
    while time.now < 1_800_000_035.0:
        admitted += [time.now] * worker.flood(window, 20)
        worker.settle()
        time.now += 0.05
    assert most_within(admitted, 10.0) == 100
    assert len(admitted) >= 0.98 * 400, "and hardly fewer than there could be"
    bursts = [later for earlier, later in pairwise(admitted) if later - earlier > 1]
    assert len(bursts) == 3


def test_two_workers_share_a_small_limit_exactly(client: redis.Redis, prefix: str) -> None:
    one, two = team(client, prefix, 2, Time())
    window = Window(5, 60.0)
    admitted = 0
    for _ in range(6):
        for worker in (one, two):
            admitted += worker.take(window)
            worker.settle()
            worker.time.now += 0.06
    assert admitted == 5


@pytest.mark.parametrize("limit", [1, 2, 5, 20])
@pytest.mark.parametrize("order", ["in turn", "one after the other", "mostly the first"])
def test_nobody_is_refused_while_there_is_room_and_the_limit_is_exact(
    client: redis.Redis, prefix: str, limit: int, order: str
) -> None:
    workers = team(client, prefix, 2, Time())
    window = Window(limit, 60.0)
    turns = {
        "in turn": [index % 2 for index in range(2 * limit)],
        "one after the other": [0] * (limit // 2) + [1] * (2 * limit),
        "mostly the first": [int(index % 7 == 3) for index in range(2 * limit)],
    }[order]
    admitted = [workers[index].take(window) for index in turns]
    assert admitted == [True] * limit + [False] * (len(turns) - limit)


def test_a_worker_that_has_just_begun_knows_what_others_have_used(client: redis.Redis, prefix: str) -> None:
    time, window = Time(), Window(10, 60.0)
    (one,) = team(client, prefix, 1, time)
    assert one.flood(window, 20) == 10
    one.settle()
    two = team(client, prefix, 2, time)[1]
    assert two.flood(window, 20) == 0


def test_a_worker_that_comes_later_gets_its_part(client: redis.Redis, prefix: str) -> None:
    time, window = Time(), Window(100, 60.0)
    (one,) = team(client, prefix, 1, time)
    assert one.flood(window, 10) == 10
    one.settle()
    assert one.bucket(window).lease == 90, "alone it has all that is left"
    two = team(client, prefix, 2, time)[1]
    one.lease_table.on_news(2, [], time.now)
    time.now += 1
    one.settle()
    assert one.bucket(window).lease == 0, "idle, it gives back"
    assert two.flood(window, 200) == 90


def test_memory_is_bounded_and_what_is_pushed_out_is_settled(client: redis.Redis, prefix: str) -> None:
    (worker,) = team(client, prefix, 1, Time())
    worker.lease_table = LeaseTable(most_keys=50)
    window = Window(5, 60.0)
    for number in range(500):
        assert worker.take(window, f"s{number}")
        if number % 20 == 0:
            worker.settle()
    assert len(worker.lease_table) == 50
    for _ in range(4):
        worker.settle()
    assert not worker.lease_table._due
    assert len(worker.lease_table._holding) <= 50
    worker.take(window, "s0")
    worker.settle()
    assert worker.bucket(window, "s0").left + worker.bucket(window, "s0").lease == 3


def test_without_a_store_made_up_keys_are_forgotten() -> None:
    lease_table, window = LeaseTable(most_keys=50), Window(5, 60.0)
    for number in range(500):
        lease_table.take(lease_table.find("limit", str(number), window, 0.0), 0.0, away=True)
        lease_table.failed(lease_table.batch(1.0), 1.0)
    assert len(lease_table) == 50
    assert len(lease_table._due) <= 50
