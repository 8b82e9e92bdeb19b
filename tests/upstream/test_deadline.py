"""A deadline that moves."""

from __future__ import annotations

import asyncio

from gateway.upstream.deadline import Deadline
from tests.upstream.scripted import until


async def test_it_calls_once_when_the_time_is_over() -> None:
    calls: list[float] = []
    loop = asyncio.get_running_loop()
    deadline = Deadline(loop, lambda: calls.append(loop.time()))
    start = loop.time()
    deadline.after(0.02)
    await until(lambda: calls)
    assert calls[0] - start >= 0.017
    await asyncio.sleep(0.03)
    assert len(calls) == 1


async def test_moving_it_later_makes_no_new_timer() -> None:
    calls: list[int] = []
    loop = asyncio.get_running_loop()
    deadline = Deadline(loop, lambda: calls.append(1))
    start = loop.time()
    deadline.after(0.02)
    timer = deadline._timer
    for _ in range(100):
        deadline.after(0.1)
    assert deadline._timer is timer
    await until(lambda: calls)
    assert loop.time() - start >= 0.097


async def test_moving_it_sooner_works_too() -> None:
    calls: list[int] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: calls.append(1))
    deadline.after(3600)
    deadline.after(0.01)
    await until(lambda: calls)


async def test_cleared_it_calls_nobody() -> None:
    calls: list[int] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: calls.append(1))
    deadline.after(0.01)
    deadline.clear()
    await asyncio.sleep(0.03)
    assert calls == []
    deadline.after(0.01)
    await until(lambda: calls)


async def test_closed_it_calls_nobody_whatever_is_set() -> None:
    calls: list[int] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: calls.append(1))
    deadline.after(0.01)
    deadline.close()
    deadline.after(0.01)
    await asyncio.sleep(0.03)
    assert calls == []
