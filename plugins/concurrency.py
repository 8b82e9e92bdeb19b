"""Limits how many requests a client, an address, a route or a header's value may have under way at once."""

from pydantic import Field

from gateway.plugin import (
    LIMITED,
    By,
    Exchange,
    Fault,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    Subject,
    Window,
    retry_after,
)

KNOWN_FOR = 5.0
"""Seconds for which a worker goes by what it last knew, while the store is away."""


class ConcurrencyConfig(PluginConfig):
    """Options of `concurrency`."""

    limit: int = Field(ge=1, le=10**6, description="The most requests at the same time.")
    by: By = Field(
        default="client", description="What is counted together: client, address, route or header:NAME."
    )


class Concurrency(ProxyPlugin):
    """A request counts until its last byte is out: 429 to one too many."""

    Config = ConcurrencyConfig

    def __init__(self, config: ConcurrencyConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._subject = Subject(config.by)
        self._window = Window(config.limit, KNOWN_FOR, slots=1, returns=True)
        self._name = f"{context.place} at once"
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
            self._enter(exchange)

    def on_authorized(self, exchange: Exchange) -> None:
        """Where the limit goes by client; on an open route it goes by address."""
        if self._subject.needs_caller:
            self._enter(exchange)

    def on_finish(self, exchange: Exchange) -> None:
        """There is room for another one."""
        bucket = exchange.state.pop(self._name, None)
        if bucket is not None:
            self.context.limits.put_back(bucket)

    def summary(self) -> str:
        """The limit in words."""
        return f"Concurrency ({self.config.limit} at once by {self.config.by})"

    def _enter(self, exchange: Exchange) -> None:
        limits = self.context.limits
        bucket = limits.find(self._name, self._subject.of(exchange), self._window)
        if not limits.take(bucket):
            raise Fault(LIMITED, "Too many requests are under way.", headers=retry_after(1))
        exchange.state[self._name] = bucket
