"""Limits how many requests a client, an address, a route or a header's value may send in a day or month."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from gateway.plugin import (
    By,
    Exchange,
    LimitPart,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    Subject,
    Window,
    admit,
)


class QuotaConfig(PluginConfig):
    """Options of `quota`."""

    limit: int = Field(ge=1, le=10**12, description="The most requests in a period.")
    per: Literal["day", "month"] = Field(description="The period: a day or a month of the calendar, in UTC.")
    by: By = Field(
        default="client", description="What is counted together: client, address, route or header:NAME."
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="What the quota is called in the headers of answers. null: quota-day or quota-month.",
    )


class Quota(ProxyPlugin):
    """Counts in periods of the calendar, shared by all workers and gateways: 429 to what is above it."""

    Config = QuotaConfig

    def __init__(self, config: QuotaConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._subject = Subject(config.by)
        self._label = config.name or f"quota-{config.per}"
        self._ends = 0.0
        self.idle = self._subject.idle
        self._parts: tuple[LimitPart, ...] = ()

    async def start(self) -> None:
        """The quotas are settled in the background from now on."""
        await self.context.limits.start()

    async def stop(self) -> None:
        """What is on loan goes back."""
        await self.context.limits.stop()

    def on_request(self, exchange: Exchange) -> None:
        """Before a token is looked at, where that need not be known."""
        if not self._subject.needs_caller:
            admit(self.context.limits, self._now(), self._subject.of(exchange), exchange)

    def on_authorized(self, exchange: Exchange) -> None:
        """Where the quota goes by client; on an open route it goes by address."""
        if self._subject.needs_caller:
            admit(self.context.limits, self._now(), self._subject.of(exchange), exchange)

    def summary(self) -> str:
        """The quota in words."""
        return f"Quota ({self.config.limit} per {self.config.per} by {self.config.by})"

    def _now(self) -> tuple[LimitPart, ...]:
        """The window of the present period."""
        now = self.context.limits.now()
        if now >= self._ends:
            begin, self._ends = period(now, self.config.per)
            window = Window(self.config.limit, self._ends - begin, slots=1)
            name = f"{self.context.place} {self.config.per} {begin:.0f}"
            self._parts = (LimitPart.made(name, window, self._label, self._ends),)
        return self._parts


def period(now: float, per: str) -> tuple[float, float]:
    """Begin and end of the day or month of a time, in seconds since the epoch."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        return day.timestamp(), (day + timedelta(days=1)).timestamp()
    month = day.replace(day=1)
    # The 28th has a day 4 days later that is in the next month, whatever the month.
    after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return month.timestamp(), after.timestamp()
