"""Coroutines that are started at once, by a plain function, and become a task only if they must.

A coroutine that never waits is over inside its first `send(None)`: no task, no turn of the event loop. One
that waits for a `PromptReply` (of the store, say) goes on by hand, too, when that is there. For one that
waits for anything else a task is made; by then it has already sent its question.

What runs before the task is made runs in no task of its own. `asyncio.timeout`, and all else that asks for
the current task, fails there or finds another's. So code that is not the gateway's own, such as a plugin's
coroutine, must be preceded by `await asyncio.sleep(0)`, or be started as a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Protocol

from gateway.runtime.prompt_reply import PromptReply

Work = Coroutine[Any, Any, None]


class Running(Protocol):
    """A coroutine that is under way."""

    def cancel(self) -> object:
        """Raises CancelledError where it waits."""


def run_eagerly(work: Work) -> Running | None:
    """Runs a coroutine as far as it goes without waiting.

    Returns:
        None: it is over. Else what runs the rest. Keep it: the event loop does not.

    Raises:
        Exception: what the coroutine raises before it waits.
    """
    try:
        waiting = work.send(None)
    except StopIteration:
        return None
    if type(waiting) is PromptReply:
        return _ByHand(work, waiting)
    return _in_task(work, waiting)


def _in_task(work: Work, waiting: asyncio.Future[Any] | None) -> asyncio.Task[None]:
    """Makes the task for a coroutine that has begun, and waits. None: it only lets others run."""
    # A task's first step is a turn later, which is all that such a coroutine waits for.
    rest = work if waiting is None else _Rest(work, waiting)
    return asyncio.get_running_loop().create_task(rest)


class _ByHand:
    """A coroutine that goes on without a task, from reply to reply; its first other wait makes one."""

    __slots__ = ("_cancelled", "_task", "_waiting", "_work")

    def __init__(self, work: Work, waiting: PromptReply[Any]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._wait(waiting)

    def cancel(self) -> None:
        """Raises CancelledError where it waits: at once, or at its next wait if it runs just now."""
        if self._task is not None:
            self._task.cancel()
            return
        self._cancelled = True
        waiting = self._waiting
        if waiting is not None:
            waiting.cancel()

    def _wait(self, waiting: PromptReply[Any]) -> None:
        # As a task does: the future may be awaited again.
        waiting._asyncio_future_blocking = False
        self._waiting: PromptReply[Any] | None = waiting
        waiting.when_done(self._go_on)
        if self._cancelled:
            waiting.cancel()

    def _go_on(self) -> None:
        self._waiting = None
        try:
            waiting = self._work.send(None)
        except (StopIteration, asyncio.CancelledError):
            return
        except Exception as error:
            report_failure(error)
            return
        if type(waiting) is PromptReply:
            self._wait(waiting)
            return
        self._task = _in_task(self._work, waiting)
        if self._cancelled:
            self._task.cancel()


def report_failure(error: Exception) -> None:
    """As the event loop says it of a task that nobody awaits."""
    context = {"message": "A coroutine has failed that nobody awaits", "exception": error}
    asyncio.get_running_loop().call_exception_handler(context)


class _Rest(Coroutine[Any, Any, None]):
    """A coroutine that waits already: its task first gets what it waits for, then the coroutine itself."""

    __slots__ = ("_begun", "_waiting", "_work")

    def __init__(self, work: Work, waiting: asyncio.Future[Any]) -> None:
        """`waiting`: what the coroutine has yielded."""
        self._work = work
        self._waiting: asyncio.Future[Any] | None = waiting
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
        try:
            return self._work.throw(kind)
        finally:
            del kind  # its traceback leads to this frame

    def close(self) -> None:
        """Ends the coroutine."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise TypeError("only a task runs this")
