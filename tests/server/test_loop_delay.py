"""Event loop delay: the rule in virtual time, against a worker that makes turns; and that of a real loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from random import Random

import pytest

from gateway.server.loop_delay import CALM_INTERVAL, HOT_INTERVAL, LoopDelayMonitor, LoopOverload

COST = 0.0001
"""CPU seconds of a request that is answered, in two halves: the request's turn, and the response's."""
REFUSAL = COST / 5
MAX_DELAY = 0.02


class Worker:
    """An event loop in virtual time: each turn takes what came during the turn before.

    Requests come at random times, whatever becomes of those before them.
    """

    def __init__(self, rule: LoopOverload, refusal: float = REFUSAL) -> None:
        self.rule, self._refusal = rule, refusal
        self.now = 0.0
        self.answered: list[tuple[float, float]] = []
        """When each came, and how long it took."""
        self.refused: list[float] = []
        self._due = HOT_INTERVAL
        self._turn = 0.0
        self._chance = Random(3)  # noqa: S311 (no secret)
        self._responses: deque[float] = deque()

    def run(self, load: float, seconds: float) -> None:
        """`load`: in times of what the worker can answer."""
        end, coming = self.now + seconds, self.now
        while self.now < end:
            if self.now >= self._due:
                self.rule.observe(self.now - self._due, self.now - self._due + HOT_INTERVAL)
                self._due = self.now + HOT_INTERVAL
            begun, turn = self.now, len(self._responses)
            self.rule.begin_turn(begun - self._turn)
            self._turn = begun
            while coming <= begun:
                self._take(coming, self.now - begun)
                coming += self._chance.expovariate(load / COST)
            for _ in range(turn):
                came = self._responses.popleft()
                self.now += COST / 2
                self.answered.append((came, self.now - came))
            if self.now == begun:
                self.now = min(coming, self._due) if not self._responses else begun + COST

    def _take(self, came: float, age: float) -> None:
        if self.rule.refuses(age):
            self.now += self._refusal
            self.refused.append(came)
        else:
            self.now += COST / 2
            self._responses.append(came)


def p99(answered: list[tuple[float, float]]) -> float:
    return sorted(took for _, took in answered)[int(len(answered) * 0.99)]


def test_at_twice_the_capacity_those_that_are_let_in_stay_fast() -> None:
    worker = Worker(LoopOverload(MAX_DELAY))
    worker.run(0.9, 5)
    assert worker.refused == []
    worker.answered.clear()
    worker.run(2, 30)
    assert p99(worker.answered) < 0.1
    assert len(worker.answered) > 0.7 * 30 / COST
    end = worker.now
    worker.run(0.5, 3)
    assert not worker.rule.refusing
    assert not [came for came in worker.refused if came > end + 1]


@pytest.mark.parametrize("refusal", [0.1, 0.3, 0.4])
@pytest.mark.parametrize("max_delay", [0.02, 0.1])
def test_turns_stay_short_whatever_a_refusal_costs(refusal: float, max_delay: float) -> None:
    """`refusal`: in times of a request. What is answered is all that the refusals leave time for."""
    worker = Worker(LoopOverload(max_delay), refusal * COST)
    worker.run(2, 3)
    worker.answered.clear()
    worker.run(2, 10)
    assert p99(worker.answered) < 1.5 * max_delay
    # What is taken, and what is refused, take all of the time: a (1 - r) + 2 r = 1.
    assert len(worker.answered) > 0.95 * (1 - 2 * refusal) / (1 - refusal) * 10 / COST
    end = worker.now
    worker.run(0.7, 3)
    assert not [came for came in worker.refused if came > end + 1]


def test_requests_that_hold_the_loop_up_do_not_make_it_take_fewer() -> None:
    """A turn that one request has made long, with two behind it that were refused."""
    rule = LoopOverload(MAX_DELAY)
    for _ in range(2):
        rule.observe(0.1, 0.2)
    for _ in range(50):
        rule.begin_turn(3 * MAX_DELAY)
        assert not rule.refuses(MAX_DELAY / 2)
        assert rule.refuses(MAX_DELAY)
        assert rule.refuses(MAX_DELAY)


def test_a_long_turn_with_many_refusals_makes_the_next_take_fewer_until_turns_are_short() -> None:
    rule = LoopOverload(MAX_DELAY)
    for _ in range(2):
        rule.observe(0.1, 0.2)
    assert not rule.refuses(0.0)
    for _ in range(10):
        assert rule.refuses(MAX_DELAY)
    rule.begin_turn(MAX_DELAY)
    assert not rule.refuses(0.0)
    assert rule.refuses(MAX_DELAY / 2 - 0.001)
    for _ in range(20):
        rule.begin_turn(MAX_DELAY / 10)
    assert not rule.refuses(0.0)
    assert not rule.refuses(MAX_DELAY / 2 - 0.001)


def test_without_it_the_turns_would_grow_for_ever() -> None:
    """The same load shows that the simulation can fail."""
    worker = Worker(LoopOverload(3600))
    worker.run(2, 0.5)
    worker.answered.clear()
    worker.run(2, 5)
    assert p99(worker.answered) > 1


def test_a_burst_is_let_through() -> None:
    rule = LoopOverload(MAX_DELAY)
    for _ in range(100):  # long pauses, such as those of reloads, with time between them
        rule.observe(1.0, 1.1)
        rule.observe(0.0, 0.25)
        assert not rule.refusing
        assert not rule.refuses(1.0)


def test_each_turn_begins_with_requests_that_are_answered() -> None:
    rule = LoopOverload(MAX_DELAY)
    for _ in range(2):
        rule.observe(0.1, 0.2)
    assert rule.refusing
    assert not rule.refuses(MAX_DELAY / 2)
    assert rule.refuses(MAX_DELAY / 2 + 0.001)
    rule.begin_turn(0.0)
    assert not rule.refuses(MAX_DELAY)  # the first one of its turn
    assert rule.refuses(MAX_DELAY)


def test_as_long_as_requests_are_refused_it_goes_on_though_turns_are_short() -> None:
    rule = LoopOverload(MAX_DELAY)
    for _ in range(2):
        rule.observe(0.1, 0.2)
    assert not rule.refuses(MAX_DELAY)
    for _ in range(1000):
        assert rule.refuses(MAX_DELAY)
        rule.observe(0.0, HOT_INTERVAL)
    for _ in range(50):
        rule.observe(0.0, HOT_INTERVAL)
    assert not rule.refusing


@pytest.mark.parametrize(("cpu_wait", "refuses"), [(0.0, True), (1.0, False)], ids=["own doing", "others'"])
async def test_the_delay_of_a_loop_counts_as_far_as_it_is_its_own_doing(
    cpu_wait: float, refuses: bool
) -> None:
    """Each look finds the loop late by 50 ms, by a clock that jumps; where others had the CPU, it waited."""
    clock, waited, looks = [0.0], [0.0], asyncio.Event()

    def now() -> float:
        clock[0] += 0.2
        if clock[0] > 2:
            looks.set()
        return clock[0]

    def wait() -> float:
        waited[0] += cpu_wait
        return waited[0]

    rule = LoopOverload(MAX_DELAY)
    monitor = LoopDelayMonitor(rule, MAX_DELAY, now, wait)
    monitor.start()
    async with asyncio.timeout(60):
        await looks.wait()
    monitor.stop()
    assert monitor.delay > MAX_DELAY
    assert rule.refusing is refuses


async def test_the_age_of_a_turn_is_known_while_requests_are_refused() -> None:
    clock = [0.0]
    rule = LoopOverload(MAX_DELAY)
    monitor = LoopDelayMonitor(rule, MAX_DELAY, lambda: clock[0], lambda: 0.0)
    monitor.start()
    assert monitor.age_of_turn() == 0.0
    async with asyncio.timeout(60):
        while not rule.refusing:
            clock[0] += 1.0
            await asyncio.sleep(HOT_INTERVAL)
    await asyncio.sleep(0)
    before = monitor.age_of_turn()
    clock[0] += 7.0
    assert monitor.age_of_turn() == before + 7.0
    for _ in range(3):
        await asyncio.sleep(0)  # further turns
    assert monitor.age_of_turn() == 0.0
    monitor.stop()
    for _ in range(3):
        await asyncio.sleep(0)
    clock[0] += 7.0
    assert monitor.age_of_turn() == 0.0


async def test_time_that_others_had_the_cpu_is_not_the_turns() -> None:
    clock, waited = [0.0], [0.0]
    rule = LoopOverload(MAX_DELAY)
    monitor = LoopDelayMonitor(rule, MAX_DELAY, lambda: clock[0], lambda: waited[0])
    monitor.start()
    async with asyncio.timeout(60):
        while not rule.refusing:
            clock[0] += 1.0
            await asyncio.sleep(HOT_INTERVAL)
    await asyncio.sleep(0)
    clock[0] += 1.0
    waited[0] += 1.0 - MAX_DELAY
    assert monitor.age_of_turn() == pytest.approx(MAX_DELAY)
    clock[0] += MAX_DELAY
    waited[0] += MAX_DELAY
    assert monitor.age_of_turn() == pytest.approx(MAX_DELAY)
    monitor.stop()


async def test_a_loop_with_nothing_to_do_is_looked_at_as_often_as_any() -> None:
    looks: list[float] = []

    def wait() -> float:
        looks.append(time.monotonic())
        return 0.0

    monitor = LoopDelayMonitor(LoopOverload(3600), 3600, time.monotonic, wait)
    monitor.start()
    async with asyncio.timeout(60):
        while len(looks) < 20:  # noqa: ASYNC110 (it sets no event)
            await asyncio.sleep(CALM_INTERVAL / 4)
    monitor.stop()
    # Two questions each, and the machine may be late for some.
    between = sorted(later - sooner for sooner, later in zip(looks[::2], looks[2::2], strict=False))
    assert between[0] < 2 * CALM_INTERVAL
