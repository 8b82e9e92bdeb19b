"""Limits requests per calendar day or month by client, address, route or header value."""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from gateway.plugin import (
    By,
    Exchange,
    LimitPart,
    PluginConfig,
    PluginContext,
    Window,
    admit,
)
from gateway.plugin.limit_plugin import LimitPlugin


class QuotaConfig(PluginConfig):
    """Options of `quota`."""

    limit: int = Field(ge=1, le=10**12, description="Maximum requests in a period.")
    per: Literal["day", "month"] = Field(description="day or month.")
    by: By = Field(
        default="client",
        description="What is counted together: client, address, route (all requests), or header:NAME.",
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Name of the quota in response headers. null: quota-day or quota-month.",
    )


class Quota(LimitPlugin):
    """Counts in calendar periods, shared by all workers and gateways. Requests above the quota get 429."""

    Config = QuotaConfig

    def __init__(self, config: QuotaConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._label = config.name or f"quota-{config.per}"
        self._ends = 0.0
        self._parts: tuple[LimitPart, ...] = ()

    def count(self, exchange: Exchange) -> Awaitable[None] | None:
        """Counts in the present period."""
        return admit(self.context.limits, self._now(), self.subject.of(exchange), exchange)

    def client_parts(self, tier: str | None) -> tuple[LimitPart, ...]:
        """That of the present period; tiers have no quotas."""
        return self._now() if self.subject.needs_caller else ()

    def summary(self) -> str:
        """The quota, for `gatepost explain`."""
        return f"Quota ({self.config.limit} per {self.config.per} by {self.config.by})"

    def _now(self) -> tuple[LimitPart, ...]:
        """The window of the current period."""
        now = self.context.limits.now()
        if now >= self._ends:
            begin, self._ends = period(now, self.config.per)
            window = Window(self.config.limit, self._ends - begin, slots=1)
            name = f"{self.context.place} {self.config.per} {begin:.0f}"
            self._parts = (LimitPart.made(name, window, self._label, self._ends),)
        return self._parts


def period(now: float, per: str) -> tuple[float, float]:
    """Start and end of the day or month that contains a time, in seconds since the epoch."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        return day.timestamp(), (day + timedelta(days=1)).timestamp()
    month = day.replace(day=1)
    # Four days after the 28th is always in the next month.
    after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return month.timestamp(), after.timestamp()
