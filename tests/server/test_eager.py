"""`run_eagerly`: no task without a wait, and a task as any other from the first wait on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.runtime.prompt_reply import PromptReply
from gateway.server.eager import run_eagerly


async def test_a_coroutine_that_never_waits_is_over_at_once() -> None:
    seen: list[object] = []

    async def work() -> None:
        seen.append("done")

    assert run_eagerly(work()) is None
    assert seen == ["done"]


async def test_an_error_before_the_first_wait_is_raised_to_the_caller() -> None:
    async def work() -> None:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        run_eagerly(work())


async def test_what_comes_before_the_first_wait_runs_at_once_and_the_rest_in_a_task() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    seen: list[object] = []

    async def work() -> None:
        seen.append("asked")
        seen.append(await answer)
        seen.append(asyncio.current_task())

    task = run_eagerly(work())
    assert seen == ["asked"]
    answer.set_result("answered")
    assert task is not None
    await task
    assert seen == ["asked", "answered", task]


async def test_an_answer_may_come_before_the_task_runs_or_after() -> None:
    for turns in (0, 1, 3):
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        seen: list[int] = []

        async def work(answer: asyncio.Future[int] = answer, seen: list[int] = seen) -> None:
            seen.append(await answer)

        task = run_eagerly(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        answer.set_result(turns)
        assert task is not None
        await task
        assert seen == [turns]


async def test_timeouts_work_behind_the_first_wait() -> None:
    ended: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            ended.append("timed out")

    task = run_eagerly(work())
    assert task is not None
    await task
    assert ended == ["timed out"]


async def test_a_failed_future_raises_inside_the_coroutine() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await answer

    task = run_eagerly(work())
    answer.set_exception(ValueError("late"))
    assert task is not None
    with pytest.raises(ValueError, match="late"):
        await task


@pytest.mark.parametrize("turns", [0, 2])
async def test_a_cancelled_task_cancels_what_it_waits_for_and_cleans_up(turns: int) -> None:
    """Also where the task has not run once: the coroutine has begun long before."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    seen: list[str] = []

    async def work() -> None:
        try:
            await answer
        finally:
            seen.append("cleaned up")

    task = run_eagerly(work())
    for _ in range(turns):
        await asyncio.sleep(0)
    assert task is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answer.cancelled()
    assert seen == ["cleaned up"]


async def test_what_waits_for_a_reply_goes_on_with_it_and_in_no_task() -> None:
    loop = asyncio.get_running_loop()
    first, second = PromptReply[str](loop), PromptReply[str](loop)
    seen: list[object] = []

    async def work() -> None:
        seen.append(await first)
        seen.append(await second)

    assert run_eagerly(work()) is not None
    first.set_result("one")
    assert seen == ["one"]
    second.set_result("two")
    assert seen == ["one", "two"]


async def test_a_failed_reply_raises_inside_the_coroutine() -> None:
    reply = PromptReply[None](asyncio.get_running_loop())
    seen: list[str] = []

    async def work() -> None:
        try:
            await reply
        except ValueError as error:
            seen.append(str(error))

    assert run_eagerly(work()) is not None
    reply.set_exception(ValueError("no answer"))
    assert seen == ["no answer"]


async def test_behind_a_reply_another_wait_makes_a_task_which_can_be_cancelled() -> None:
    loop = asyncio.get_running_loop()
    reply, never, over = PromptReply[None](loop), loop.create_future(), asyncio.Event()
    tasks: list[object] = []

    async def work() -> None:
        await reply
        await asyncio.sleep(0)
        tasks.append(asyncio.current_task())
        try:
            await never
        finally:
            over.set()

    running = run_eagerly(work())
    reply.set_result(None)
    while not tasks:  # noqa: ASYNC110 (one turn, or a few)
        await asyncio.sleep(0)
    assert isinstance(tasks[0], asyncio.Task)
    assert running is not None
    running.cancel()
    await over.wait()
    assert never.cancelled()


async def test_a_coroutine_that_cancels_itself_ends_at_its_next_wait() -> None:
    loop = asyncio.get_running_loop()
    first, second = PromptReply[None](loop), PromptReply[None](loop)
    seen: list[str] = []

    async def work() -> None:
        await first
        assert running is not None
        running.cancel()
        seen.append("goes on")
        try:
            await second
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    running = run_eagerly(work())
    first.set_result(None)
    assert seen == ["goes on", "cancelled"]
    assert second.cancelled()


async def test_an_error_that_nobody_awaits_is_reported_and_hurts_nobody_else() -> None:
    loop = asyncio.get_running_loop()
    reply = PromptReply[None](loop)
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))
    seen: list[str] = []

    async def broken() -> None:
        await reply
        raise ValueError("broken")

    async def sound() -> None:
        await reply
        seen.append("went on")

    assert run_eagerly(broken()) is not None
    assert run_eagerly(sound()) is not None
    reply.set_result(None)
    loop.set_exception_handler(None)
    assert [str(report["exception"]) for report in reports] == ["broken"]
    assert seen == ["went on"]


async def _sleeper() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0.001)


async def _waiter() -> None:
    await asyncio.wait_for(asyncio.sleep(0.001), 10)


async def _gatherer() -> None:
    await asyncio.gather(_sleeper(), _sleeper())


@pytest.mark.parametrize("kind", [_sleeper, _gatherer])
async def test_whatever_can_be_awaited_is_awaited(kind: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = run_eagerly(kind())
    assert task is not None
    await task


async def test_nothing_else_can_await_the_rest() -> None:
    """A coroutine is run by one task alone."""
    task = run_eagerly(_waiter())
    assert task is not None
    with pytest.raises(TypeError):
        await task.get_coro()  # type: ignore[misc]  # what the test shows
    await task


@pytest.mark.parametrize("turns", [0, 1])
async def test_what_only_lets_others_run_goes_on_a_turn_later_and_can_be_cancelled(turns: int) -> None:
    seen: list[object] = []

    async def work() -> None:
        try:
            await asyncio.sleep(0)
            seen.append(asyncio.current_task())
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = run_eagerly(work())
    assert isinstance(task, asyncio.Task)
    assert seen == []
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert seen == ([task] if turns else ["cancelled"])
