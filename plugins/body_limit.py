"""Bounds the body of a route's requests, declared or streamed."""

from pydantic import Field

from gateway.plugin import Exchange, PluginConfig, PluginContext, ProxyPlugin, Size


class BodyLimitConfig(PluginConfig):
    """Options of `body_limit`."""

    max: Size = Field(
        description="The most bytes that a request's body may have, in place of server.max_body."
    )


class BodyLimit(ProxyPlugin):
    """The gateway holds the body against it, by what is declared and by what arrives: 413."""

    Config = BodyLimitConfig

    def __init__(self, config: BodyLimitConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._max = config.max

    def on_request(self, exchange: Exchange) -> None:
        """Before anything of the body is read."""
        exchange.max_body = self._max

    def summary(self) -> str:
        """The limit in words."""
        return f"BodyLimit (at most {self.config.max} bytes)"
