"""When a process does what it does again and again: at the same moments, so that it wakes once for all of it.

An idle gateway then lets its CPU sleep for long, which saves power, and lets others have it.
"""

from __future__ import annotations

import asyncio
import os
from math import floor
from random import randrange

BEAT = 0.4
"""Seconds between two beats."""
TOLERANCE = 0.002
"""Seconds by which a timer may fire before its time."""


def until_beat(seconds: float = BEAT) -> float:
    """Seconds until the last beat within so many from now. What is due sooner than a beat waits for none."""
    if seconds < BEAT:
        return seconds
    now = asyncio.get_running_loop().time()
    since = now - _phase.seconds
    return floor((since + seconds + TOLERANCE) / BEAT) * BEAT - since


class _Phase:
    """Where the beats of a process lie. Each one, forked or not, has its own, lest all wake at once."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.draw()

    def draw(self) -> None:
        """In whole milliseconds: uvloop's timers are no finer."""
        self.seconds = randrange(round(BEAT * 1000)) / 1000  # noqa: S311 (spreads load, hides nothing)


_phase = _Phase()
os.register_at_fork(after_in_child=_phase.draw)
