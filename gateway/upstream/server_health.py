"""A server's health, as health checks and requests show it. Pure; the time is given."""

from __future__ import annotations

from gateway.upstream.circuit_breaker import CircuitBreaker
from gateway.upstream.settings import BreakerSettings, HealthSettings

_FIRST_SHARE = 0.1  # of its weight, for a server that has just recovered


class ServerHealth:
    """One server's health, circuit breaker and share of the requests.

    It is healthy until it is known not to be. Times are seconds of a clock that never goes back.
    """

    __slots__ = (
        "_failed",
        "_health",
        "_passed",
        "_recovered_at",
        "_slow_start",
        "_weight",
        "breaker",
        "healthy",
        "share",
    )

    def __init__(
        self,
        weight: int,
        breaker: BreakerSettings,
        *,
        health: HealthSettings | None = None,
        slow_start: float = 0.0,
    ) -> None:
        self.breaker = CircuitBreaker(breaker)
        self.healthy = True
        """As far as health checks show; without them always."""
        self.share = float(weight)
        """The weight to go by now."""
        self._weight = float(weight)
        self._health = health
        self._slow_start = slow_start
        self._recovered_at: float | None = None  # while slow start lasts
        self._passed = self._failed = 0  # checks in a row

    def available(self, now: float) -> bool:
        """Whether a request may go to it."""
        return self.healthy and (self.breaker.calm or self.breaker.allows(now))

    def update_share(self, now: float) -> None:
        """Brings `share` up to date."""
        if self._recovered_at is None:
            return
        part = (now - self._recovered_at) / self._slow_start
        if part >= 1.0:
            self._recovered_at = None
            part = 1.0
        self.share = self._weight * max(_FIRST_SHARE, part)

    @property
    def in_slow_start(self) -> bool:
        """It has recovered and does not have its full share yet."""
        return self._recovered_at is not None

    def answered(self, now: float) -> bool:
        """A request got a response. Returns whether that closed the circuit breaker."""
        if self.breaker.calm or not self.breaker.succeeded():
            return False
        self._recover(now)
        return True

    def failed(self, now: float) -> bool:
        """A request got no response. Returns whether that opened the circuit breaker."""
        return self.breaker.failed(now)

    def on_connect_error(self) -> bool:
        """No connection could be made, which counts as a failed health check.

        Returns whether the server has become unhealthy.
        """
        return self.on_health_check(passed=False, now=0.0) if self._health is not None else False

    def on_health_check(self, *, passed: bool, now: float) -> bool:
        """A health check passed or failed. Returns whether `healthy` has changed."""
        if self._health is None:
            return False
        self._passed, self._failed = (self._passed + 1, 0) if passed else (0, self._failed + 1)
        if self.healthy and self._failed >= self._health.unhealthy_after:
            self.healthy = False
            return True
        if not self.healthy and self._passed >= self._health.healthy_after:
            self.healthy = True
            self._recover(now)
            return True
        return False

    def _recover(self, now: float) -> None:
        if self._slow_start > 0:
            self._recovered_at = now
            self.share = self._weight * _FIRST_SHARE
