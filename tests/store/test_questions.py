"""Several servers are asked at once, and one that hangs holds up nobody."""

from __future__ import annotations

import asyncio

from gateway.store.questions import Questions


async def says(answer: int | str) -> int | str:
    return answer


async def hangs(ended: list[str]) -> int | str:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")
    raise AssertionError


async def test_answers_and_problems_are_distinguished() -> None:
    questions: Questions[int] = Questions(5.0)
    assert await questions.ask([says(1), says("refused"), says(2)]) == ([1, 2], ["refused"])


async def test_one_that_hangs_is_given_up() -> None:
    questions: Questions[int] = Questions(5.0)
    ended: list[str] = []
    assert await questions.ask([says(1), hangs(ended)]) == ([1], [])
    await questions.close()
    assert ended == ["ended"]


async def test_without_any_answer_it_waits_no_longer_than_the_time_out() -> None:
    questions: Questions[int] = Questions(0.01)
    assert await questions.ask([says("refused"), hangs([])]) == ([], ["refused"])
    await questions.close()
