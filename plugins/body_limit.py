"""Limits the size of request bodies, with Content-Length or chunked."""

from pydantic import Field

from gateway.plugin import Exchange, PluginConfig, PluginContext, ProxyPlugin, Size


class BodyLimitConfig(PluginConfig):
    """Options of `body_limit`."""

    max: Size = Field(description="Maximum size of a body. A size.")


class BodyLimit(ProxyPlugin):
    """413 for bodies over the limit, by Content-Length or by the bytes received."""

    Config = BodyLimitConfig

    def __init__(self, config: BodyLimitConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._max = config.max

    def on_request(self, exchange: Exchange) -> None:
        """Sets the limit before the body is read."""
        exchange.max_body = self._max

    def summary(self) -> str:
        """The limit, for `gatepost explain`."""
        return f"BodyLimit (at most {self.config.max} bytes)"
