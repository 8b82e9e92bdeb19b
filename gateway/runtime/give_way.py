"""Long work in a thread beside the event loop, which gives way to it again and again.

Only one thread runs Python at a time. One that computes hands over to others that have waited for the
interpreter's switch interval. The event loop asks for its turn at each event anew, so a request would wait
for many intervals. Such work therefore says itself where it can wait, and goes on when the loop has been
around.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from time import perf_counter, sleep
from typing import ParamSpec, Protocol, TypeVar

K = TypeVar("K")
T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")

SLICE = 0.002
"""Seconds of work between two turns of the event loop."""
PAUSE = 0.0002
"""Seconds after a turn in which nobody here computes: other processes on the same core, such as the store,
get it at once then. A process that never sleeps keeps them waiting for up to a second."""
LONGEST_WAIT = 0.5
"""Seconds after which the work goes on although the event loop has not been around."""
AT_ONCE = 100
"""Objects that are freed in one go, with all that they hold."""


class Turns(Protocol):
    """Who is given way to."""

    def give_way(self) -> None:
        """Waits while it has its turn, if that is due."""


class _LoopTurns:
    """The turns of one event loop, for one thread beside it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._over = threading.Event()
        self._due = perf_counter() + SLICE

    def give_way(self) -> None:
        if perf_counter() < self._due:
            return
        self._over.clear()
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._over.set)
            self._over.wait(LONGEST_WAIT)
        sleep(PAUSE)
        self._due = perf_counter() + SLICE


turns: ContextVar[Turns | None] = ContextVar("turns", default=None)
"""Who is given way to in this context; None: nobody."""


async def beside_loop(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs the work in a thread. What calls `give_way` in it lets the event loop have its turns."""
    token = turns.set(_LoopTurns(asyncio.get_running_loop()))
    try:
        # The thread has a copy of the context.
        return await asyncio.to_thread(work, *args, **kwargs)
    finally:
        turns.reset(token)


def give_way() -> None:
    """Lets the event loop have a turn, if this thread has worked for a while; elsewhere it does nothing.

    Call it in the loops of what may take more than some milliseconds when a configuration is large.
    """
    others = turns.get()
    if others is not None:
        others.give_way()


def giving_way(items: Iterable[T]) -> Iterator[T]:
    """The items, with a call of `give_way` before each."""
    others = turns.get()
    if others is None:
        yield from items
        return
    for item in items:
        others.give_way()
        yield item


def let_go(items: list[T]) -> None:
    """Empties a list, and gives way meanwhile: to free very many objects takes a while, too."""
    while items:
        give_way()
        del items[-AT_ONCE:]


def let_go_values(items: dict[K, T]) -> None:
    """Empties a mapping in the same way."""
    values = list(items.values())
    items.clear()
    let_go(values)
