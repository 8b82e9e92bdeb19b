"""Limits the request rate per client, address, route or header value."""

from collections.abc import Awaitable

from pydantic import Field, model_validator

from gateway.plugin import (
    By,
    Exchange,
    LimitPart,
    PluginConfig,
    PluginContext,
    Rate,
    Timeout,
    admit,
    rate_parts,
)
from gateway.plugin.limit_plugin import LimitPlugin


class RateLimitConfig(PluginConfig):
    """Options of `rate_limit`."""

    limit: int | None = Field(
        default=None, ge=1, le=10**12, description="Maximum requests in any period of length per."
    )
    per: Timeout | None = Field(
        default=None,
        ge=0.1,
        le=31 * 86400,
        description="Length of the period; a duration, from 100ms to 31d.",
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        description="Burst size: at most burst requests within per * burst / limit; less than limit. "
        "With limit: 600, per: 1m, burst: 20, 20 in any 2 seconds.",
    )
    tier: str | None = Field(default=None, description="A name of tiers, instead of limit, per and burst.")
    by: By = Field(
        default="client",
        description="What is counted together: client, address, route (all requests), or header:NAME."
        " A request without a client or without the header is counted by its address. An "
        "IPv6 address counts with its whole /64.",
    )
    client_tiers: bool = Field(
        default=True,
        description="true: a client with a tier has that tier's limit if the limit is by client. "
        "false: all clients have the same limit.",
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Name of the limit in response headers. null: the value of by.",
    )

    @model_validator(mode="after")
    def _one_limit(self) -> "RateLimitConfig":
        own = (self.limit, self.per)
        if self.tier is not None and (own != (None, None) or self.burst is not None):
            raise ValueError("tier stands in place of limit, per and burst: give the one or the others")
        if self.tier is None and None in own:
            raise ValueError("needs limit and per, or tier")
        if self.burst is not None and self.limit is not None and self.burst >= self.limit:
            raise ValueError("burst must be less than limit: a limit may be used up at once without it")
        return self


class RateLimit(LimitPlugin):
    """Counts in a sliding window, shared by all workers and gateways. Requests above the limit get 429."""

    Config = RateLimitConfig

    def __init__(self, config: RateLimitConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._label = config.name or config.by.partition(":")[0]
        self._parts = self._for(
            context.tiers[config.tier] if config.tier else own_rate(config), config.tier or ""
        )
        self._of_tiers = {name: self._for(rate, name) for name, rate in context.tiers.items()}
        self._by_tier = bool(self._of_tiers) and config.client_tiers and self.subject.needs_caller

    def count(self, exchange: Exchange) -> Awaitable[None] | None:
        """Counts in each of the windows that the client has."""
        parts = self._of(exchange) if self._by_tier else self._parts
        return admit(self.context.limits, parts, self.subject.of(exchange), exchange)

    def client_parts(self, tier: str | None) -> tuple[LimitPart, ...]:
        """Those of the tier, where tiers count."""
        if not self.subject.needs_caller:
            return ()
        return self._of_tiers.get(tier or "", self._parts) if self._by_tier else self._parts

    def summary(self) -> str:
        """The limit, for `gatepost explain`."""
        window = self._parts[-1].window
        return f"RateLimit ({window.limit} per {window.length:g} s by {self.config.by})"

    def _of(self, exchange: Exchange) -> tuple[LimitPart, ...]:
        """Those of the client's tier, if it has one."""
        caller = exchange.token
        if caller is None:
            return self._parts
        tier = caller.tier
        if caller.source == "file":
            client = self.context.clients.find(caller.client)
            tier = None if client is None else client.tier
        # A tier that is no longer in the file does not count.
        return self._parts if tier is None else self._of_tiers.get(tier, self._parts)

    def _for(self, rate: Rate, tier: str) -> tuple[LimitPart, ...]:
        return rate_parts(f"{self.context.place} {tier}", rate, self._label)


def own_rate(config: RateLimitConfig) -> Rate:
    """The limit of the plugin's own configuration."""
    return Rate(limit=config.limit or 1, per=config.per or 1.0, burst=config.burst)
