"""A deadline that can be moved often without creating a timer each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_RESOLUTION: Final = 0.002  # seconds; loops count in milliseconds and may wake a little early


class Deadline:
    """Calls back once when the time that was set last has come.

    Moving it later only stores a number: the one timer compares with it when it fires, and is started again
    if it is too early. So a thousand requests a second on a connection do not need a thousand timers.
    """

    __slots__ = ("_due", "_expired", "_loop", "_timer", "_wakes")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired: Callable[[], None] | None = expired
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = 0.0

    def after(self, seconds: float) -> None:
        """Sets it to `seconds` from now, in place of what was set before."""
        # As `at`, without a call: each event of a stream and each message of a tunnel comes here.
        self._due = due = self._loop.time() + seconds
        if self._timer is None or self._wakes > due:
            self._arm(due)

    def at(self, due: float) -> None:
        """Sets it to a time of the loop's clock."""
        self._due = due
        if self._timer is None or self._wakes > due:
            self._arm(due)

    def clear(self) -> None:
        """Removes the deadline; a timer that is running does nothing when it fires."""
        self._due = None

    def close(self) -> None:
        """Calls nobody any more, whatever is set.

        Who is called mostly keeps it: only the garbage collector would find two that keep each other.
        """
        self._due = self._expired = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due: float) -> None:
        if self._expired is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wakes = due
        self._timer = self._loop.call_at(due, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() + _RESOLUTION < self._due:
            self._arm(self._due)
            return
        self._due = None
        if self._expired is not None:
            self._expired()
