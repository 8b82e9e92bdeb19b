"""What the responses of a moment say of a server: how late they come, and how many. Pure; time is given."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Final, NamedTuple

_MOST: Final = 500
"""Responses whose latency counts; further ones of a window are left out."""
_LOST: Final = 0.85
"""Of the throughput: what is less is a loss."""
_FADES: Final = 0.9
"""What is left of a window's weight in the next one."""


class MedianRange(NamedTuple):
    """Seconds: a median, and what it may as well be, but for chance."""

    low: float
    median: float
    high: float


def median_range(latencies: list[float]) -> MedianRange:
    """The range that holds the true median two times of three, whatever the distribution.

    How many of n samples are below the true median is binomial: n/2, give or take sqrt(n)/2. So the samples
    of those ranks enclose it.
    """
    ordered = sorted(latencies)
    last = len(ordered) - 1
    spread = sqrt(len(ordered)) / 2
    low, high = int(max(0.0, last / 2 - spread)), ceil(min(float(last), last / 2 + spread))
    return MedianRange(ordered[low], ordered[len(ordered) // 2], ordered[high])


class ResponseWindow:
    """The responses since `begun`, and the requests meanwhile."""

    __slots__ = ("_busy", "begun", "latencies", "limited", "peak", "refused", "responses")

    def __init__(self, now: float) -> None:
        self.restart(now, 0)

    def restart(self, begun: float, in_flight: int) -> None:
        """Begins anew, now or a moment later: what comes until then is left out."""
        self.begun = begun
        self.latencies: list[float] = []
        self.responses = 0
        self.refused = 0
        """Requests that the server itself has refused."""
        self.limited = False
        """Whether a request was refused because of the limit."""
        self.peak = in_flight
        self._busy = 0.0

    def add(self, latency: float) -> None:
        """A response has come."""
        self.responses += 1
        self._busy += latency
        if len(self.latencies) < _MOST:
            self.latencies.append(latency)

    def rate(self, now: float) -> float:
        """Responses a second."""
        return self.responses / (now - self.begun)

    def mean_in_flight(self, now: float) -> float:
        """Requests that waited at a time, by Little's law: those whose responses have come."""
        return self._busy / (now - self.begun)


class ThroughputLoss:
    """Whether fewer responses come than before the limit was lowered.

    Then requests have not waited for each other, so that it is the server that has become slower.
    """

    __slots__ = ("_before", "_responses", "_seconds")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The limit is not being lowered."""
        self._before = self._responses = self._seconds = 0.0

    def observe(self, responses: int, seconds: float) -> bool:
        """A window under the limit, while that is being lowered. Returns whether there is a loss, beyond what
        chance may do (Poisson: a count's standard deviation is its root)."""
        self._responses = self._responses * _FADES + responses
        self._seconds = self._seconds * _FADES + seconds
        chance = sqrt(self._responses)
        if self._responses + chance < _LOST * self._before * self._seconds:
            return True
        self._before = max(self._before, (self._responses - chance) / self._seconds)
        return False
