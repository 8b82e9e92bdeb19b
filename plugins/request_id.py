"""Returns the request id to the client, so that both sides can correlate their logs."""

import re

from pydantic import Field

from gateway.plugin import Exchange, PluginConfig, PluginContext, ProxyPlugin

# Safe in logs and headers without escaping.
_ID = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}\Z")


class RequestIdConfig(PluginConfig):
    """Options of `request_id`."""

    header: str = Field(
        default="X-Request-Id",
        pattern=r"^[A-Za-z0-9-]+$",
        description="The response header with the id.",
    )
    accept: bool = Field(
        default=False,
        description="true: accept the id that a trusted proxy (server.trusted_proxies) sends in that header.",
    )


class RequestId(ProxyPlugin):
    """Adds the request id to every response. The upstream always gets it as `X-Request-Id`."""

    Config = RequestIdConfig

    def __init__(self, config: RequestIdConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._name = config.header.encode()
        self._lower = self._name.lower()
        self._accept = config.accept

    def on_request(self, exchange: Exchange) -> None:
        """Added early, so that error responses have it too."""
        if self._accept and exchange.request.peer.trusted:
            values = exchange.request.values(self._lower)
            if len(values) == 1 and _ID.match(values[0]):
                exchange.request_id = values[0].decode()
        exchange.added_response_headers.append((self._name, exchange.request_id.encode()))
