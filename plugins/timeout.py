"""Gives a route's requests other time-outs than their upstream has."""

from pydantic import Field, model_validator

from gateway.plugin import Exchange, Patience, PluginConfig, PluginContext, ProxyPlugin, Timeout


class RouteTimeoutConfig(PluginConfig):
    """Options of `timeout`."""

    response: Timeout | None = Field(
        default=None,
        description="How long the upstream may take until its answer begins. null: as the upstream has it.",
    )
    idle: Timeout | None = Field(
        default=None,
        description="How long there may be no byte either way. null: as the upstream has it.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> "RouteTimeoutConfig":
        if self.response is None and self.idle is None:
            raise ValueError("needs response, idle or both")
        return self


class RouteTimeout(ProxyPlugin):
    """The caller of a request that takes longer reads 504."""

    Config = RouteTimeoutConfig

    def __init__(self, config: RouteTimeoutConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._patience = Patience(config.response, config.idle)

    def on_request(self, exchange: Exchange) -> None:
        """Known before the upstream is asked."""
        exchange.patience = self._patience
