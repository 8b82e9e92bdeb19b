"""Asks several servers the same at once: the nodes of a cluster, or Sentinels."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")

PATIENCE = 0.3
"""Seconds for the slower ones; one that hangs must not hold up what the others know."""


class Questions(Generic[Answer]):
    """Questions that are under way. What is a text is no answer, but why there is none."""

    def __init__(self, timeout: float) -> None:
        """`timeout`: seconds for the first answer."""
        self._timeout = timeout
        self._asking: set[asyncio.Task[Answer | str]] = set()

    async def ask(
        self, questions: Iterable[Coroutine[Any, Any, Answer | str]]
    ) -> tuple[list[Answer], list[str]]:
        """The answers that come in time, and why others did not answer."""
        tasks = [asyncio.create_task(question) for question in questions]
        self._asking.update(tasks)
        for task in tasks:
            task.add_done_callback(self._asking.discard)
        try:
            done, waiting = await asyncio.wait(tasks, timeout=PATIENCE)
            if waiting and all(isinstance(task.result(), str) for task in done):
                done, waiting = await asyncio.wait(tasks, timeout=self._timeout)
        finally:
            for task in tasks:
                task.cancel()
        results = [task.result() for task in tasks if task in done]
        problems = [found for found in results if isinstance(found, str)]
        return [found for found in results if not isinstance(found, str)], problems

    async def close(self) -> None:
        """Gives up what is under way."""
        for task in list(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
