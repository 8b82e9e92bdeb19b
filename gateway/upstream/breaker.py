"""A circuit breaker: a server that keeps failing gets a rest. Pure; the caller says what time it is."""

from __future__ import annotations

from enum import Enum

from gateway.upstream.settings import BreakerSettings


class State(Enum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing, for a while."""
    HALF_OPEN = "half_open"
    """One request, whose outcome decides."""


class Breaker:
    """Opens after some failures in a row; later lets one request through, and closes if that succeeds.

    Times are seconds of a clock that never goes back.
    """

    __slots__ = ("_failures", "_probing", "_settings", "_until", "calm", "state")

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._failures = 0
        self._until = 0.0
        self._probing = False
        self.state = State.CLOSED
        self.calm = True
        """Closed, and the last request did not fail: there is nothing to ask or tell."""

    def allows(self, now: float) -> bool:
        """Whether a request may go through. Changes nothing."""
        if self.state is State.CLOSED:
            return True
        return now >= self._until and not self._probing

    def enter(self) -> bool:
        """A request goes through. Returns whether it is the one whose outcome decides."""
        if self.state is State.CLOSED:
            return False
        self.state = State.HALF_OPEN
        self._probing = True
        return True

    def leave(self) -> None:
        """The request that was to decide has ended without an outcome: another may."""
        self._probing = False

    def succeeded(self) -> bool:
        """A request got an answer. Returns whether that closed the breaker."""
        if self.state is State.OPEN:
            return False  # an old request; the time of rest goes on
        recovered = self.state is State.HALF_OPEN
        self.state = State.CLOSED
        self._failures = 0
        self._probing = False
        self.calm = True
        return recovered

    def failed(self, now: float) -> bool:
        """A request got no answer. Returns whether that opened the breaker."""
        self.calm = False
        self._failures += 1
        if self.state is State.OPEN:
            return False
        if self.state is State.CLOSED and self._failures < self._settings.failures:
            return False
        self.state = State.OPEN
        self._probing = False
        self._until = now + self._settings.open_for
        return True

    def rests_for(self, now: float) -> float:
        """Seconds until a request may go through; 0.0 if one may now."""
        return 0.0 if self.state is State.CLOSED else max(0.0, self._until - now)
