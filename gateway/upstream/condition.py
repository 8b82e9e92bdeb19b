"""What is known of how a server does, from questions and from requests. Pure; the time is given."""

from __future__ import annotations

from gateway.upstream.breaker import Breaker
from gateway.upstream.settings import BreakerSettings, HealthSettings

_FIRST_SHARE = 0.1  # of its weight, for a server that has just come back


class Condition:
    """One server's health, breaker and share of the requests.

    It is well until it is known not to be. Times are seconds of a clock that never goes back.
    """

    __slots__ = ("_bad", "_good", "_health", "_ramp", "_slow_start", "_weight", "breaker", "healthy", "share")

    def __init__(
        self,
        weight: int,
        breaker: BreakerSettings,
        *,
        health: HealthSettings | None = None,
        slow_start: float = 0.0,
    ) -> None:
        self.breaker = Breaker(breaker)
        self.healthy = True
        """As far as questions tell; without questions always."""
        self.share = float(weight)
        """The weight to go by now."""
        self._weight = float(weight)
        self._health = health
        self._slow_start = slow_start
        self._ramp: float | None = None  # since when it is coming back
        self._good = self._bad = 0

    def available(self, now: float) -> bool:
        """Whether a request may go to it."""
        return self.healthy and (self.breaker.calm or self.breaker.allows(now))

    def warm_up(self, now: float) -> None:
        """Brings `share` up to date."""
        if self._ramp is None:
            return
        part = (now - self._ramp) / self._slow_start
        if part >= 1.0:
            self._ramp = None
            part = 1.0
        self.share = self._weight * max(_FIRST_SHARE, part)

    @property
    def warming(self) -> bool:
        """It is coming back to its full share."""
        return self._ramp is not None

    def answered(self, now: float) -> bool:
        """A request got an answer. Returns whether the server has recovered by that."""
        if self.breaker.calm or not self.breaker.succeeded():
            return False
        self._come_back(now)
        return True

    def failed(self, now: float) -> bool:
        """A request got no answer. Returns whether the server gets a rest for that."""
        return self.breaker.failed(now)

    def unreachable(self) -> bool:
        """No connection could be made, which is as good as a bad answer to a question.

        Returns whether the server is now known to be unwell.
        """
        return self.questioned(well=False, now=0.0) if self._health is not None else False

    def questioned(self, *, well: bool, now: float) -> bool:
        """A question was answered, well or not. Returns whether `healthy` has changed."""
        if self._health is None:
            return False
        self._good, self._bad = (self._good + 1, 0) if well else (0, self._bad + 1)
        if self.healthy and self._bad >= self._health.unhealthy_after:
            self.healthy = False
            return True
        if not self.healthy and self._good >= self._health.healthy_after:
            self.healthy = True
            self._come_back(now)
            return True
        return False

    def _come_back(self, now: float) -> None:
        if self._slow_start > 0:
            self._ramp = now
            self.share = self._weight * _FIRST_SHARE
