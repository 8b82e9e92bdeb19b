"""Long work beside the event loop, and the loop's turns."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import pytest

from gateway.runtime import give_way as module
from gateway.runtime.give_way import beside_loop, give_way, giving_way, let_go, let_go_values, turns

SLICES = 100
LONG = SLICES * module.SLICE


class Counted:
    """Counts how often it is given way to."""

    def __init__(self) -> None:
        self.times = 0

    def give_way(self) -> None:
        self.times += 1


@contextmanager
def counted() -> Iterator[Counted]:
    counting = Counted()
    token = turns.set(counting)
    try:
        yield counting
    finally:
        turns.reset(token)


def work() -> None:
    """Lasts for many slices, however long one of them takes."""
    for _ in range(SLICES):
        end = perf_counter() + 1.1 * module.SLICE
        while perf_counter() < end:
            pass
        give_way()


@pytest.fixture
def no_turns_by_themselves() -> Iterator[None]:
    """Threads take turns only where one gives way, and not every few milliseconds, as Python has it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("no_turns_by_themselves")
async def test_the_loop_has_a_turn_again_and_again_while_work_goes_on() -> None:
    rounds, working = 0, asyncio.create_task(beside_loop(work))
    while not working.done():
        rounds += 1
        await asyncio.sleep(0)
    assert rounds > SLICES / 2


async def test_the_work_waits_until_the_loop_has_done_what_was_due() -> None:
    done: list[str] = []
    loop = asyncio.get_running_loop()

    def two_parts() -> None:
        end = perf_counter() + 2 * module.SLICE
        while perf_counter() < end:
            pass
        loop.call_soon_threadsafe(done.append, "loop")
        give_way()
        done.append("work")

    await beside_loop(two_parts)
    assert done == ["loop", "work"]


async def test_short_work_does_not_wait() -> None:
    assert await beside_loop(lambda: list(giving_way(range(3)))) == [0, 1, 2]


async def test_what_goes_wrong_is_raised() -> None:
    def fail() -> None:
        give_way()
        raise ValueError("a failure")

    with pytest.raises(ValueError, match="a failure"):
        await beside_loop(fail)


async def test_only_the_work_gives_way() -> None:
    assert await beside_loop(turns.get) is not None
    assert turns.get() is None
    give_way()


def test_work_goes_on_when_the_loop_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE", -1.0)

    async def begun() -> module.Turns:
        found = await beside_loop(turns.get)
        assert found is not None
        return found

    asyncio.run(begun()).give_way()


def test_a_loop_that_is_stuck_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.01)

    async def stuck() -> None:
        working = asyncio.create_task(beside_loop(work))
        await asyncio.sleep(0)
        end = perf_counter() + 2 * LONG
        while perf_counter() < end:
            pass
        await working

    asyncio.run(stuck())


def test_each_item_is_an_occasion_to_give_way() -> None:
    with counted() as counting:
        assert list(giving_way("abc")) == ["a", "b", "c"]
    assert counting.times == 3


def test_many_objects_are_freed_in_parts() -> None:
    class Part:
        pass

    parts = [Part() for _ in range(3 * module.AT_ONCE)]
    last = weakref.ref(parts[0])
    with counted() as counting:
        let_go(parts)
    gc.collect()
    assert (parts, last(), counting.times) == ([], None, 3)


def test_many_values_of_a_mapping_are_freed_in_parts() -> None:
    class Part:
        pass

    parts = {number: Part() for number in range(3 * module.AT_ONCE)}
    last = weakref.ref(parts[0])
    with counted() as counting:
        let_go_values(parts)
    gc.collect()
    assert (parts, last(), counting.times) == ({}, None, 3)
