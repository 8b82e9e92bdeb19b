"""What a plugin author reads.

A plugin is a class with a `Config` model and only the hooks it needs. There are two kinds.

A `GrantPlugin` answers one `grant_type` at `POST /token`. A `ProxyPlugin` sees the phases of a proxied
request, each named for what is known then:

    on_preflight    a browser asks whether a page may send a request (CORS): the route is the one that
                    would take that request; nothing else of the route runs
    on_request      the route is known, the caller is not
    on_authorized   the caller is known
    on_forward      the head that goes upstream can be changed
    on_response     the head that came back can be changed
    on_finish       after the last byte: for logs and counts

`on_preflight`, `on_request`, `on_authorized` and `on_forward` may return an `Answer`: it goes to the
caller, and the upstream is not asked. A hook refuses by raising a `Fault` with a row of the table in
`gateway.faults`: the caller reads it as problem+json. A hook that raises anything else ends the request
with 500: a broken guard lets nobody through.
A hook may be `def` or `async def`; one that awaits nothing is best a `def`. A misspelt hook is an error
when the gateway starts.

The life of a plugin: its configuration is decoded strictly, `start()`, requests, `stop()`, which is
also called after a start that failed half-way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from gateway.clock import Clock
from gateway.config.addresses import Cidr
from gateway.config.tiers import Rate
from gateway.config.units import Lifetime, Size, Timeout
from gateway.exchange import (
    Answer,
    Exchange,
    ForwardHead,
    Headers,
    Patience,
    RequestHead,
    ResponseHead,
    header_values,
)
from gateway.faults import (
    BAD_REQUEST,
    INVALID_TOKEN,
    LIMITED,
    MISSING_TOKEN,
    NO_ROUTE,
    REFUSED,
    Fault,
    FaultKind,
    retry_after,
)
from gateway.file_clients import FileClients
from gateway.header_names import FreeHeaderName, HeaderName, HeaderValue
from gateway.limits import Limits, Subject, Window, admit, rate_parts
from gateway.limits import Part as LimitPart
from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant, GrantRequest, IssuedToken
from gateway.oauth.lent import GrantRefreshTokens, GrantUsers
from gateway.oauth.values import Client, TokenFacts
from gateway.path_template import PathTemplate

HOOKS = ("on_preflight", "on_request", "on_authorized", "on_forward", "on_response", "on_finish")


def check_by(by: str) -> str:
    """What a limit can go by."""
    return Subject(by).by


By = Annotated[str, AfterValidator(check_by)]
"""What a limit goes by: `client`, `address`, `route` or `header:NAME`."""


class PluginConfig(BaseModel):
    """The base of a plugin's configuration: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class PluginContext:
    """What the gateway lends a plugin."""

    clock: Clock
    """The wall clock: seconds since the epoch."""
    place: str = ""
    """Which use of the plugin in gateway.yaml this is: the same in every worker, and after a reload."""
    clients: FileClients = field(default_factory=FileClients)
    """The clients of gateway.yaml."""
    tiers: Mapping[str, Rate] = field(default_factory=dict)
    """The limits that have a name."""
    users: GrantUsers | None = None
    """The people who may sign in; for grants."""
    refresh_tokens: GrantRefreshTokens | None = None
    """Refresh tokens; for grants."""
    limits: Limits = field(default_factory=Limits)
    """Limits that all workers and gateways share. A plugin that uses them starts and stops them."""


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
    """The `grant_type` parameter that it answers (RFC 6749 section 4); a URI for one of your own (4.5)."""

    @property
    def name(self) -> str:
        """What gateway.yaml and the clients' own lists call it."""
        return self.context.place or self.grant_type

    def grant(self, request: GrantRequest) -> Grant | Awaitable[Grant]:
        """Decides what the client gets.

        Raises:
            OAuthError: what the client is told instead.
        """
        raise NotImplementedError

    def on_issued(
        self, request: GrantRequest, issued: IssuedToken
    ) -> Mapping[str, str] | Awaitable[Mapping[str, str]]:
        """The store has the access token: what the answer holds beside it. Its client does not have it yet,
        and does not get it where this raises.
        """
        return {}


class ProxyPlugin(Plugin):
    """Sees the phases of a proxied request. A hook that is not overridden costs nothing."""

    idle: Collection[str] = ()
    """The hooks that have nothing to do as this use of the plugin is configured: `__init__` may say so.
    They are not called, which also spares the work on what they would see."""
    by_head: Collection[str] = ()
    """Those of `on_forward` and `on_response` that go by the head alone, and change nothing else: the one
    has `exchange.request` (but for who sent it), `exchange.route` and `exchange.forward`, the other only
    `exchange.response`. They come before all other hooks of the phase and before the gateway adds headers of
    its own, and cost nothing on a request whose head came before: what they did is remembered."""
    foreseeable: ClassVar[bool] = False
    """Whether `on_forward` does nothing but change `exchange.forward`: `gatepost explain` then runs it."""

    def summary(self) -> str:
        """What `gatepost explain` says of this plugin: no secrets."""
        return type(self).__name__

    def on_preflight(self, exchange: Exchange) -> Answer | Awaitable[Answer | None] | None:
        """A CORS preflight for this route (Fetch standard, section 3.2.2). An `Answer` ends the request;
        without one it goes on as any other OPTIONS request does."""

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
    "BAD_REQUEST",
    "HOOKS",
    "INVALID_TOKEN",
    "LIMITED",
    "MISSING_TOKEN",
    "NO_ROUTE",
    "REFUSED",
    "Answer",
    "By",
    "Cidr",
    "Client",
    "Exchange",
    "Fault",
    "FaultKind",
    "FileClients",
    "ForwardHead",
    "FreeHeaderName",
    "Grant",
    "GrantPlugin",
    "GrantRefreshTokens",
    "GrantRequest",
    "GrantUsers",
    "HeaderName",
    "HeaderValue",
    "Headers",
    "IssuedToken",
    "Lifetime",
    "LimitPart",
    "Limits",
    "OAuthError",
    "PathTemplate",
    "Patience",
    "Plugin",
    "PluginConfig",
    "PluginContext",
    "ProxyPlugin",
    "Rate",
    "RequestHead",
    "ResponseHead",
    "Size",
    "Subject",
    "Timeout",
    "TokenFacts",
    "Window",
    "admit",
    "header_values",
    "rate_parts",
    "retry_after",
]
