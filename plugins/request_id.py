"""Tells the caller the id of its request, so that both sides can find it in their logs."""

import re

from pydantic import Field

from gateway.plugin import Exchange, PluginConfig, PluginContext, ProxyPlugin

# What can stand in any log and any header as it is.
_ID = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}\Z")


class RequestIdConfig(PluginConfig):
    """Options of `request_id`."""

    header: str = Field(
        default="X-Request-Id",
        pattern=r"^[A-Za-z0-9-]+$",
        description="The header of the answer that holds the id.",
    )
    accept: bool = Field(
        default=False,
        description="Whether the id is taken over that one of server.trusted_proxies sends in that header.",
    )


class RequestId(ProxyPlugin):
    """Adds the request's id to every answer. The upstream gets it as `X-Request-Id` in any case."""

    Config = RequestIdConfig

    def __init__(self, config: RequestIdConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._name = config.header.encode()
        self._lower = self._name.lower()
        self._accept = config.accept

    def on_request(self, exchange: Exchange) -> None:
        """Noted early, so that refusals carry it too."""
        if self._accept and exchange.request.peer.trusted:
            given = exchange.request.values(self._lower)
            if len(given) == 1 and _ID.match(given[0]):
                exchange.request_id = given[0].decode()
        exchange.answer_headers.append((self._name, exchange.request_id.encode()))
