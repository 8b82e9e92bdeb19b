"""A deadline that moves with every request and hardly ever costs a timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_RESOLUTION = 0.002  # seconds; loops count in milliseconds and may wake a little early


class Deadline:
    """Calls back once when the time set last is over.

    Moving it later only stores a number: the one timer that is armed looks at it when it wakes and sleeps
    on. A connection with a thousand requests a second wakes once in a time-out, not a thousand times.
    """

    __slots__ = ("_due", "_expired", "_loop", "_timer", "_wakes")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = 0.0

    def after(self, seconds: float) -> None:
        """Sets it to `seconds` from now, in place of what was set before."""
        self.at(self._loop.time() + seconds)

    def at(self, due: float) -> None:
        """Sets it to a time of the loop's clock."""
        self._due = due
        if self._timer is not None:
            if self._wakes <= due:
                return
            self._timer.cancel()
        self._arm(due)

    def clear(self) -> None:
        """Nothing is due; the timer, if armed, will find nothing to do."""
        self._due = None

    def cancel(self) -> None:
        """As `clear`, for good: the timer goes too."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due: float) -> None:
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
        self._expired()
