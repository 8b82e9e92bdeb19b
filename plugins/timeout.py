"""Overrides the upstream's timeouts for a route."""

from pydantic import Field, model_validator

from gateway.plugin import Exchange, PluginConfig, PluginContext, ProxyPlugin, Timeout, TimeoutOverrides


class RouteTimeoutConfig(PluginConfig):
    """Options of `timeout`."""

    response: Timeout | None = Field(
        default=None,
        description="Time until the upstream's response begins; a duration. null: the upstream's own.",
    )
    idle: Timeout | None = Field(
        default=None,
        description="Time without a byte in either direction; a duration. null: the upstream's own.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> "RouteTimeoutConfig":
        if self.response is None and self.idle is None:
            raise ValueError("needs response, idle or both")
        return self


class RouteTimeout(ProxyPlugin):
    """Requests that take longer get 504."""

    Config = RouteTimeoutConfig

    def __init__(self, config: RouteTimeoutConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._patience = TimeoutOverrides(config.response, config.idle)

    def on_request(self, exchange: Exchange) -> None:
        """Sets the timeouts before the request is forwarded."""
        exchange.timeouts = self._patience
