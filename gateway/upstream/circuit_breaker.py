"""A circuit breaker: takes a server out of use after failures in a row. Pure; time is an argument.

state      | success        | failure                               | open_for is over
-----------|----------------|---------------------------------------|---------------------------
CLOSED     | CLOSED, count 0| count + 1; at `failures`: OPEN        |
OPEN       | OPEN           | OPEN                                  | one request: HALF_OPEN
HALF_OPEN  | CLOSED         | OPEN again, for the whole of its time |
"""

from __future__ import annotations

from enum import Enum

from gateway.upstream.settings import BreakerSettings


class BreakerState(Enum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing, until `open_for` is over."""
    HALF_OPEN = "half_open"
    """One request, the probe, whose outcome decides."""


class CircuitBreaker:
    """Opens after failures in a row; later lets one request through, and closes if that succeeds.

    Times are seconds of a clock that never goes back.
    """

    __slots__ = ("_probing", "_settings", "_until", "calm", "failures", "state")

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._until = 0.0
        self._probing = False
        self.failures = 0
        """In a row, up to now."""
        self.state = BreakerState.CLOSED
        self.calm = True
        """Closed, and the last request did not fail: there is nothing to ask or report."""

    @property
    def open_for(self) -> float:
        """Seconds for which it opens."""
        return self._settings.open_for

    def allows(self, now: float) -> bool:
        """Whether a request may go through. Changes nothing."""
        if self.state is BreakerState.CLOSED:
            return True
        return now >= self._until and not self._probing

    def enter(self) -> bool:
        """A request goes through. Returns whether it is the probe, whose outcome decides."""
        if self.state is BreakerState.CLOSED:
            return False
        self.state = BreakerState.HALF_OPEN
        self._probing = True
        return True

    def leave(self) -> None:
        """The probe has ended without an outcome: another request may be one."""
        self._probing = False

    def succeeded(self) -> bool:
        """A request got a response. Returns whether that closed the breaker."""
        if self.state is BreakerState.OPEN:
            return False  # it was sent before the breaker opened
        recovered = self.state is BreakerState.HALF_OPEN
        self.state = BreakerState.CLOSED
        self.failures = 0
        self._probing = False
        self.calm = True
        return recovered

    def failed(self, now: float) -> bool:
        """A request got no response. Returns whether that opened the breaker."""
        self.calm = False
        self.failures += 1
        if self.state is BreakerState.OPEN:
            return False
        if self.state is BreakerState.CLOSED and self.failures < self._settings.failures:
            return False
        self.state = BreakerState.OPEN
        self._probing = False
        self._until = now + self._settings.open_for
        return True

    def retry_after(self, now: float) -> float:
        """Seconds until a request may go through; 0.0 if one may now."""
        return 0.0 if self.state is BreakerState.CLOSED else max(0.0, self._until - now)
