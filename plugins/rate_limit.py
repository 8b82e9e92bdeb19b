"""Limits how many requests a client, an address, a route or a header's value may send in a time."""

from pydantic import Field, model_validator

from gateway.plugin import (
    By,
    Exchange,
    LimitPart,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    Rate,
    Subject,
    Timeout,
    admit,
    rate_parts,
)


class RateLimitConfig(PluginConfig):
    """Options of `rate_limit`."""

    limit: int | None = Field(
        default=None, ge=1, le=10**12, description="The most requests in any stretch of time of length per."
    )
    per: Timeout | None = Field(
        default=None, ge=0.1, le=31 * 86400, description="How long that is. A duration, from 100ms to 31d."
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        description="The most of them at once: no more in the time in which the limit allows as many.",
    )
    tier: str | None = Field(default=None, description="A name of tiers, in place of limit, per and burst.")
    by: By = Field(
        default="client", description="What is counted together: client, address, route or header:NAME."
    )
    client_tiers: bool = Field(
        default=True,
        description="Whether a client that has a tier has the limit of that, where the limit goes by client.",
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="What the limit is called in the headers of answers. null: what it goes by.",
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


class RateLimit(ProxyPlugin):
    """Counts in a sliding window, shared by all workers and gateways: 429 to what is above it."""

    Config = RateLimitConfig

    def __init__(self, config: RateLimitConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._subject = Subject(config.by)
        self._label = config.name or config.by.partition(":")[0]
        self._parts = self._for(
            context.tiers[config.tier] if config.tier else own_rate(config), config.tier or ""
        )
        self._of_tiers = {name: self._for(rate, name) for name, rate in context.tiers.items()}
        self._by_tier = config.client_tiers and self._subject.needs_caller
        self.idle = self._subject.idle

    async def start(self) -> None:
        """The limits are settled in the background from now on."""
        await self.context.limits.start()

    async def stop(self) -> None:
        """What is on loan goes back."""
        await self.context.limits.stop()

    def on_request(self, exchange: Exchange) -> None:
        """Before a token is looked at, where that need not be known."""
        if not self._subject.needs_caller:
            admit(self.context.limits, self._parts, self._subject.of(exchange), exchange)

    def on_authorized(self, exchange: Exchange) -> None:
        """Where the limit goes by client; on an open route it goes by address."""
        if self._subject.needs_caller:
            admit(self.context.limits, self._of(exchange), self._subject.of(exchange), exchange)

    def summary(self) -> str:
        """The limit in words."""
        window = self._parts[-1].window
        return f"RateLimit ({window.limit} per {window.length:g} s by {self.config.by})"

    def _of(self, exchange: Exchange) -> tuple[LimitPart, ...]:
        caller = exchange.caller
        if caller is None or not self._by_tier:
            return self._parts
        tier = caller.tier
        if caller.source == "file":
            client = self.context.clients.find(caller.client)
            tier = None if client is None else client.tier
        # A tier that is no longer in the file is that of nobody.
        return self._parts if tier is None else self._of_tiers.get(tier, self._parts)

    def _for(self, rate: Rate, tier: str) -> tuple[LimitPart, ...]:
        return rate_parts(f"{self.context.place} {tier}", rate, self._label)


def own_rate(config: RateLimitConfig) -> Rate:
    """The limit that the plugin itself is given."""
    return Rate(limit=config.limit or 1, per=config.per or 1.0, burst=config.burst)
