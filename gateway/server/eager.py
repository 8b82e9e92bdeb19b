"""Coroutines that are started at once, by a plain function, and become a task only if they wait.

A coroutine that never waits is over inside its first `send(None)`: no task, no turn of the event loop. One
that waits has already sent its question (to the store, say) when its task is made.

What runs before the first wait runs in no task of its own. `asyncio.timeout`, and all else that asks for the
current task, fails there or finds another's. So code that is not the gateway's own, such as a plugin's
coroutine, must be preceded by `await asyncio.sleep(0)`, or be started as a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any

Work = Coroutine[Any, Any, None]


def run_eagerly(work: Work) -> asyncio.Task[None] | None:
    """Runs a coroutine as far as it goes without waiting.

    Returns:
        None: it is over. Else the task that runs the rest. Keep it: the event loop does not.

    Raises:
        Exception: what the coroutine raises before it waits.
    """
    try:
        waiting = work.send(None)
    except StopIteration:
        return None
    return asyncio.get_running_loop().create_task(_Rest(work, waiting))


class _Rest(Coroutine[Any, Any, None]):
    """A coroutine that waits already: its task first gets what it waits for, then the coroutine itself."""

    __slots__ = ("_begun", "_waiting", "_work")

    def __init__(self, work: Work, waiting: asyncio.Future[Any] | None) -> None:
        """`waiting`: what the coroutine has yielded. None: it only lets others run."""
        self._work = work
        self._waiting = waiting
        self._begun = False

    def send(self, value: Any) -> Any:
        """The next thing that is waited for."""
        if self._begun:
            return self._work.send(value)
        self._begun = True
        waiting, self._waiting = self._waiting, None
        return waiting

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: object = None,
        trace: TracebackType | None = None,
    ) -> Any:
        """Hands an exception in: the task was cancelled, or what it waited for has failed."""
        if not self._begun and self._waiting is not None:
            # The task has not seen yet what it waits for, and so can't cancel it.
            self._waiting.cancel()
        self._begun, self._waiting = True, None
        return self._work.throw(kind)

    def close(self) -> None:
        """Ends the coroutine."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise TypeError("only a task runs this")
