"""What the garbage collector has to do once the gateway serves."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Iterator
from itertools import count

import pytest

from gateway.process.gc_tuning import (
    GEN0_THRESHOLD,
    IDLE_PERIOD,
    LONGEST_WAIT,
    MANY,
    SWITCH_INTERVAL,
    IdleCollector,
    beside_requests,
    collect_all,
    freeze_gc,
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.freeze()  # as the suite has it
    gc.set_threshold(*threshold)


def test_what_was_loaded_is_not_looked_at_again() -> None:
    kept: list[object] = [[]]
    freeze_gc()
    assert gc.get_freeze_count() > len(kept)
    assert not any(found is kept for found in gc.get_objects())


def test_the_collector_does_not_look_at_every_few_requests() -> None:
    freeze_gc()
    assert gc.get_threshold()[0] == GEN0_THRESHOLD


def test_a_reload_neither_collects_nor_keeps_the_event_loop_waiting_for_long() -> None:
    interval = sys.getswitchinterval()
    with beside_requests():
        assert not gc.isenabled()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
    assert gc.isenabled()
    assert sys.getswitchinterval() == interval


class Part:
    """Of a configuration, in a cycle."""

    def __init__(self) -> None:
        self.itself = self


class Collector:
    """Counts collections, of a process that uses so many seconds of CPU time between looks."""

    def __init__(self, *used: float) -> None:
        self.times = 0
        self.collected = asyncio.Event()
        self.looks = 0
        self._used = used
        self._total = 0.0
        self.collector = IdleCollector(self.cpu_time, self.collect, period=0)

    def cpu_time(self) -> float:
        # Two looks belong together: one before a period, one after it.
        if self.looks % 2 and self._used:
            self._total += self._used[min(self.looks // 2, len(self._used) - 1)]
        self.looks += 1
        return self._total

    def collect(self) -> None:
        self.times += 1
        self.collected.set()

    async def until_collected(self) -> None:
        async with asyncio.timeout(30):
            await self.collected.wait()


def build(parts: int) -> list[Part]:
    return [Part() for _ in range(parts)]


def test_a_large_new_configuration_is_not_looked_through_at_a_reload() -> None:
    counting = Collector()
    with beside_requests():
        made = build(MANY)
        counting.collector.exclude()
    assert not any(found is made for found in gc.get_objects())


def test_what_is_left_of_a_large_configuration_is_collected() -> None:
    with beside_requests():
        made = build(MANY)
        left = weakref.ref(made[0])
        Collector().collector.exclude()
    del made
    gc.collect()
    assert left() is not None
    collect_all()
    assert left() is None
    assert gc.get_freeze_count() > 0


async def test_the_leftovers_of_a_large_configuration_wait_until_there_is_nothing_else_to_do() -> None:
    counting = Collector(1, 1, 0)
    with beside_requests():
        made = build(MANY)
        counting.collector.exclude()
    del made
    counting.collector.begin()
    counting.collector.begin()
    await counting.until_collected()
    assert (counting.times, counting.looks) == (1, 6)


async def test_a_worker_that_is_always_busy_collects_the_leftovers_in_the_end() -> None:
    counting = Collector(1)
    with beside_requests():
        made = build(MANY)
        counting.collector.exclude()
    del made
    counting.collector.begin()
    await counting.until_collected()
    assert counting.looks == 2 * LONGEST_WAIT / IDLE_PERIOD


async def test_a_small_configuration_is_collected_as_everything_else() -> None:
    counting = Collector(0)
    with beside_requests():
        made = build(10)
        counting.collector.exclude()
    assert any(found is made for found in gc.get_objects())
    counting.collector.begin()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert counting.looks == 0


async def test_leftovers_are_not_collected_once_the_process_ends() -> None:
    counting = Collector(1)
    with beside_requests():
        made = build(MANY)
        counting.collector.exclude()
    del made
    counting.collector.begin()
    await asyncio.sleep(0)
    counting.collector.cancel()
    for _ in count():
        if len(asyncio.all_tasks()) == 1:
            break
        await asyncio.sleep(0)
    assert counting.times == 0
