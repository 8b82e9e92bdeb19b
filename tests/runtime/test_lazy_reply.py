"""`LazyReply`: asked when it is awaited, or for who is told the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.runtime.lazy_reply import LazyReply, Recipient


class Kept(LazyReply[str]):
    """A question that keeps who has asked."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.asking: list[Recipient] = []
        self._problem = problem

    def ask(self, recipient: Recipient) -> None:
        if self._problem is not None:
            raise self._problem
        self.asking.append(recipient)


async def asked_by_a_task(question: Kept) -> asyncio.Task[str]:
    async def wait() -> str:
        return await question

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def test_it_is_asked_when_it_is_awaited_and_not_before() -> None:
    question = Kept()
    assert question.asking == []
    task = await asked_by_a_task(question)
    question.asking[0].set_result("yes")
    assert await task == "yes"


async def test_who_awaits_gets_the_error() -> None:
    question = Kept()
    task = await asked_by_a_task(question)
    question.asking[0].set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await task


async def test_who_awaits_gets_what_keeps_it_from_asking() -> None:
    with pytest.raises(ValueError, match="away"):
        await Kept(ValueError("away"))


async def test_who_no_longer_awaits_is_done() -> None:
    question = Kept()
    task = await asked_by_a_task(question)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert question.asking[0].done()


def test_who_is_told_needs_no_event_loop() -> None:
    class Told:
        heard: Any = None

        def done(self) -> bool:
            return False

        def set_result(self, result: Any) -> None:
            self.heard = result

        def set_exception(self, exception: BaseException) -> None:
            self.heard = exception

    question, told = Kept(), Told()
    question.ask(told)
    question.asking[0].set_result("yes")
    assert told.heard == "yes"
