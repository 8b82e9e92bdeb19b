"""Limits how many requests of a client, an address, a route or a header's value are in flight at once."""

from collections.abc import Awaitable

from pydantic import Field

from gateway.plugin import (
    RATE_LIMITED,
    By,
    Exchange,
    PluginConfig,
    PluginContext,
    Problem,
    RateBucket,
    Window,
    retry_after,
)
from gateway.plugin.limit_plugin import LimitPlugin

STALE_AFTER = 5.0
"""Seconds for which a worker relies on what it last knew, while the store is away."""


class ConcurrencyConfig(PluginConfig):
    """Options of `concurrency`."""

    limit: int = Field(ge=1, le=10**6, description="Maximum requests in flight.")
    by: By = Field(
        default="client",
        description="What is counted together: client, address, route (all requests), or header:NAME.",
    )


class Concurrency(LimitPlugin):
    """A request counts until its last byte is sent. Requests above the limit get 429."""

    Config = ConcurrencyConfig

    def __init__(self, config: ConcurrencyConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._window = Window(config.limit, STALE_AFTER, slots=1, returns=True)
        self._name = f"{context.place} at once"

    def count(self, exchange: Exchange) -> Awaitable[None] | None:
        """Takes a place for the request until it is finished."""
        limits = self.context.limits
        bucket = limits.find(self._name, self.subject.of(exchange), self._window)
        admitted = limits.take(bucket)
        if isinstance(admitted, bool):
            self._acquire(exchange, bucket, admitted=admitted)
            return None
        return self._wait(exchange, bucket, admitted)

    def on_finish(self, exchange: Exchange) -> None:
        """Gives the place to another request."""
        bucket = exchange.state.pop(self._name, None)
        if bucket is not None:
            self.context.limits.put_back(bucket, 0.0)  # whenever it was taken

    def summary(self) -> str:
        """The limit, for `gatepost explain`."""
        return f"Concurrency ({self.config.limit} at once by {self.config.by})"

    async def _wait(self, exchange: Exchange, bucket: RateBucket, place: Awaitable[float | None]) -> None:
        self._acquire(exchange, bucket, admitted=await place is not None)

    def _acquire(self, exchange: Exchange, bucket: RateBucket, *, admitted: bool) -> None:
        if not admitted:
            raise Problem(RATE_LIMITED, "Too many requests are in flight.", headers=retry_after(1))
        exchange.state[self._name] = bucket
