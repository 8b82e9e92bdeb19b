"""The future of an answer that one connection brings, such as the store's.

A task that waits for a future is woken by the event loop, one turn later. Who waits for a reply without a
task (`gateway.server.eager`) goes on at once, while the answer is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_init, _set_result, _set_exception, _cancel = (
    asyncio.Future.__init__,
    asyncio.Future.set_result,
    asyncio.Future.set_exception,
    asyncio.Future.cancel,
)


class PromptReply(asyncio.Future[T]):
    """A future that also calls back at once."""

    __slots__ = ("_first", "_others")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        _init(self, loop=loop)
        # Nearly always there is one.
        self._first: Callable[[], None] | None = None
        self._others: tuple[Callable[[], None], ...] = ()

    def when_done(self, callback: Callable[[], None]) -> None:
        """Calls back as soon as it is done, before what sets the result returns. It must not raise."""
        if self._first is None:
            self._first = callback
        else:
            self._others = (*self._others, callback)

    def set_result(self, result: T) -> None:
        """The answer."""
        _set_result(self, result)
        if self._first is not None:
            self._call_back()

    def set_exception(self, exception: type | BaseException) -> None:
        """There is none."""
        _set_exception(self, exception)
        self._call_back()

    def cancel(self, msg: Any = None) -> bool:
        """Nobody wants it any more."""
        cancelled = _cancel(self, msg)
        if cancelled:
            self._call_back()
        return cancelled

    def _call_back(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            others, self._others = self._others, ()
            first()
            for callback in others:
                callback()
