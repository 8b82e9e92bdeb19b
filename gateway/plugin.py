"""What a plugin author reads.

A plugin is a class with a `Config` model and only the hooks it needs. There are two kinds.

A `GrantPlugin` answers one `grant_type` at `POST /token`. A `ProxyPlugin` sees the phases of a proxied
request, each named for what is known then:

    on_request      the route is known, the caller is not
    on_authorized   the caller is known
    on_forward      the head that goes upstream can be changed
    on_response     the head that came back can be changed
    on_finish       after the last byte: for logs and counts

`on_request`, `on_authorized` and `on_forward` may return an `Answer`: it goes to the caller, and the
upstream is not asked. A hook that raises ends the request with 500: a broken guard lets nobody through.
A hook may be `def` or `async def`; one that awaits nothing is best a `def`. A misspelt hook is an error
when the gateway starts.

The life of a plugin: its configuration is decoded strictly, `start()`, requests, `stop()`, which is
also called after a start that failed half-way.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from gateway.clock import Clock
from gateway.exchange import Answer, Exchange, ForwardHead, Headers, RequestHead, ResponseHead
from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant, GrantRequest
from gateway.oauth.values import Client, TokenFacts

HOOKS = ("on_request", "on_authorized", "on_forward", "on_response", "on_finish")


class PluginConfig(BaseModel):
    """The base of a plugin's configuration: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class PluginContext:
    """What the gateway lends a plugin."""

    clock: Clock
    """The wall clock: seconds since the epoch."""


class Plugin:
    """The base of both kinds. Subclass `GrantPlugin` or `ProxyPlugin`."""

    Config: ClassVar[type[BaseModel]] = PluginConfig
    """The model that the plugin's configuration is decoded into."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        self.config = config
        self.context = context

    async def start(self) -> None:
        """Opens what the plugin needs; raise to keep the gateway from starting."""

    async def stop(self) -> None:
        """Closes what `start` opened, as far as it came."""


class GrantPlugin(Plugin):
    """Answers one grant type at the token endpoint."""

    grant_type: ClassVar[str]
    """The `grant_type` parameter that it answers (RFC 6749 section 4)."""

    def grant(self, request: GrantRequest) -> Grant | Awaitable[Grant]:
        """Decides what the client gets.

        Raises:
            OAuthError: what the client is told instead.
        """
        raise NotImplementedError


class ProxyPlugin(Plugin):
    """Sees the phases of a proxied request. A hook that is not overridden costs nothing."""

    def on_request(self, exchange: Exchange) -> Answer | Awaitable[Answer | None] | None:
        """The route is known, the caller is not. An `Answer` ends the request."""

    def on_authorized(self, exchange: Exchange) -> Answer | Awaitable[Answer | None] | None:
        """The caller is known (None on an open route). An `Answer` ends the request."""

    def on_forward(self, exchange: Exchange) -> Answer | Awaitable[Answer | None] | None:
        """`exchange.forward` goes upstream and can be changed. An `Answer` ends the request."""

    def on_response(self, exchange: Exchange) -> Awaitable[None] | None:
        """`exchange.response` came back from the upstream and can be changed."""

    def on_finish(self, exchange: Exchange) -> Awaitable[None] | None:
        """The last byte is out, or the request has failed."""


__all__ = [
    "HOOKS",
    "Answer",
    "Client",
    "Exchange",
    "ForwardHead",
    "Grant",
    "GrantPlugin",
    "GrantRequest",
    "Headers",
    "OAuthError",
    "Plugin",
    "PluginConfig",
    "PluginContext",
    "ProxyPlugin",
    "RequestHead",
    "ResponseHead",
    "TokenFacts",
]
