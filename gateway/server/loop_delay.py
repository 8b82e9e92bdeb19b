"""Event loop delay: how late a timer fires, and which requests to refuse for it.

A worker has one event loop. Each of its turns answers what has come during the one before, so a worker that
gets more than it can do makes longer and longer turns, and everything waits for several of them. Once turns
have been too long, each turn takes new requests for half of the longest delay at most; those that it comes to
later are refused, which costs little. If turns are long all the same, because refusals and what the requests
before have left to do take their time, each takes new requests for less and less time: as many are answered
in more and shorter turns, and wait less. So turns stay short, however much comes, and whatever else is done.
A single long turn is let through, as CoDel does it with bursts of packets (RFC 8289 section 4.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

CALM_INTERVAL: Final = 0.1
"""Seconds between two looks while the loop is fast, also where nothing is to be done: an overload that begins
then is noticed after two late looks, and all that comes before them is let in.
"""
HOT_INTERVAL: Final = 0.01
ENOUGH: Final = 2.0
"""Looks that have found the loop late, until requests are refused."""
FORGET: Final = 10.0
"""For so many times the longest delay the loop must be fast to make up for one late look."""

SHORT_TURN: Final = 0.25
"""Of the longest delay: turns are to be no longer than this while requests are refused."""
MOST_TAKING, LEAST_TAKING = 0.5, 0.02
"""Of the longest delay: for so long a turn takes requests."""
GROWTH, DEEPEST = 1.1, 0.5
"""For how much longer, after a short turn, and shorter, after a long one, the next one takes requests."""
MANY: Final = 4
"""Refusals that make a long turn one of too many requests. One request that holds the loop up for long, with
one or two behind it, is no reason to take fewer."""
KNOWN_FOR: Final = 0.001
"""Seconds until the system is asked anew for how long the thread has waited for a CPU."""


class LoopOverload:
    """Delays in; out comes whether a request is refused. Pure. Times are seconds."""

    __slots__ = ("_late", "_max_delay", "_refused", "_refused_in_turn", "_taken", "_taking", "refusing")

    def __init__(self, max_delay: float) -> None:
        self._max_delay = max_delay
        self._late = 0.0
        self._refused = False
        """Whether a request was, since the last look."""
        self._refused_in_turn = 0
        self._taken = False
        """Whether the present turn has taken a request."""
        self._taking = max_delay * MOST_TAKING
        """Seconds for which a turn takes requests."""
        self.refusing = False
        """Whether requests are refused at the end of long turns."""

    def observe(self, delay: float, passed: float) -> None:
        """A timer has fired so late; `passed` seconds after the last look."""
        if delay > self._max_delay or self._refused:
            self._late = min(ENOUGH, self._late + 1)
        else:
            self._late = max(0.0, self._late - passed / (FORGET * self._max_delay))
        self._refused = False
        if self._late >= ENOUGH:
            self.refusing = True
        elif not self._late:
            self.refusing = False

    def begin_turn(self, lasted: float) -> None:
        """The loop begins a turn; the one before has `lasted` so long."""
        many, self._refused_in_turn, self._taken = self._refused_in_turn >= MANY, 0, False
        short = self._max_delay * SHORT_TURN
        if lasted > short and many:
            least = self._max_delay * LEAST_TAKING
            self._taking = max(least, self._taking * max(DEEPEST, short / lasted))
        else:
            self._taking = min(self._max_delay * MOST_TAKING, self._taking * GROWTH)

    def refuses(self, age: float) -> bool:
        """Whether to refuse a request that is come to when the turn has lasted for so long.

        Each turn takes one, however slow the machine is: without others beside it, none is ever refused.
        """
        if not self.refusing or not self._taken or age <= self._taking:
            self._taken = True
            return False
        self._refused = True
        self._refused_in_turn += 1
        return True


class LoopDelayMonitor:
    """Measures the delay of the running loop, from `start` to `stop`."""

    def __init__(
        self,
        rule: LoopOverload,
        max_delay: float,
        clock: Callable[[], float],
        cpu_wait: Callable[[], float],
    ) -> None:
        """`cpu_wait`: seconds for which this thread has waited for a CPU. Others have made it late by so
        much, and refusals would not help.
        """
        self._rule = rule
        self._max_delay = max_delay
        self._clock, self._cpu_wait = clock, cpu_wait
        self._timer: asyncio.TimerHandle | None = None
        self._set_at = self._waited = 0.0
        self._interval = CALM_INTERVAL
        self._turn: float | None = None
        """When the present turn began; None: nobody asks."""
        self._waited_before_turn = self._waited_now = 0.0
        self._asked = -inf
        self.delay = 0.0
        """Seconds: the last that was measured, whoever has made the loop late."""

    def start(self) -> None:
        """Begins to measure."""
        self._set()

    def stop(self) -> None:
        """Measures no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def age_of_turn(self) -> float:
        """Seconds for which the loop's present turn has lasted, without those in which others had the CPU; 0
        while nothing is refused."""
        if self._turn is None:
            return 0.0
        now = self._clock()
        return max(0.0, now - self._turn - (self._waited_until(now) - self._waited_before_turn))

    def _waited_until(self, now: float) -> float:
        """Seconds for which this thread has waited for a CPU. Who waits for longer finds a later time."""
        if now - self._asked >= KNOWN_FOR:
            self._asked, self._waited_now = now, self._cpu_wait()
        return self._waited_now

    def _set(self) -> None:
        self._set_at, self._waited = self._clock(), self._cpu_wait()
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._look)

    def _look(self) -> None:
        passed = self._clock() - self._set_at
        self.delay = max(0.0, passed - self._interval)
        own = max(0.0, self.delay - max(0.0, self._cpu_wait() - self._waited))
        self._rule.observe(own, passed)
        hot = self._rule.refusing or self.delay > self._max_delay / 4
        self._interval = HOT_INTERVAL if hot else CALM_INTERVAL
        self._set()
        if self._rule.refusing and self._turn is None:
            self._begin_turn()

    def _begin_turn(self) -> None:
        """Runs at the beginning of each turn while requests are refused: the loop then never sleeps."""
        if self._rule.refusing and self._timer is not None:
            self._rule.begin_turn(self.age_of_turn())
            self._turn = self._clock()
            self._waited_before_turn = self._waited_until(self._turn)
            asyncio.get_running_loop().call_soon(self._begin_turn)
        else:
            self._turn = None
