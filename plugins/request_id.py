"""Tells the caller the id of its request, so that both sides can find it in their logs."""

from pydantic import Field

from gateway.plugin import Exchange, PluginConfig, ProxyPlugin


class RequestIdConfig(PluginConfig):
    """Options of `request_id`."""

    header: str = Field(
        default="X-Request-Id",
        pattern=r"^[A-Za-z0-9-]+$",
        description="The header of the answer that holds the id.",
    )


class RequestId(ProxyPlugin):
    """Adds the request's id to every answer. The upstream gets it as `X-Request-Id` in any case."""

    Config = RequestIdConfig

    def on_request(self, exchange: Exchange) -> None:
        """Noted early, so that refusals carry it too."""
        name = self.config.header.encode()
        exchange.answer_headers.append((name, exchange.request_id.encode()))
