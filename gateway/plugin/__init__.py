"""The plugin API.

A plugin is a class with a `Config` model and only the hooks it needs. There are two kinds.

A `GrantPlugin` implements one `grant_type` of `POST /token`. A `ProxyPlugin` has hooks for the phases of a
proxied request:

    on_preflight    a CORS preflight; the route is the one that would match the actual request, and no other
                    hook runs
    on_request      the route is known, the client is not authenticated yet
    on_authorized   the client is authenticated
    on_forward      the upstream request head can be changed
    on_body         the whole body of the request or of the response can be judged and changed
    on_response     the response head can be changed
    on_stream       a filter can be put in the way of the response's body, and changes it as it streams
    on_failure      the upstream gave no response
    on_finish       after the last byte: for logs and counters

`on_preflight`, `on_request`, `on_authorized` and `on_forward` may return a `Response`: it is sent to the
client, and the request is not forwarded. One of `on_failure` is sent in place of the error. A hook rejects a
request by raising a `Problem` with a type of `gateway.http.problems`, which the client gets as problem+json.
Any other exception ends the request with 500 (fail closed).
A hook may be `def` or `async def`; use `def` if it awaits nothing. A misspelt hook name is an error at
startup.

Life cycle: the configuration is validated strictly, then `start()`, requests, and `stop()`, which is also
called after a failed start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict

from gateway.accounts.api_keys import ApiKeys, KnownClients
from gateway.accounts.static_clients import StaticClients
from gateway.clock import Clock
from gateway.config.addresses import Cidr, FilePath, is_browser_origin, is_browser_origin_pattern
from gateway.config.tiers import Rate
from gateway.config.units import Lifetime, Margin, Size, Timeout
from gateway.errors import StoreUnavailable
from gateway.http.body_hook import BodyFilter, BodyKind, MessageBody
from gateway.http.cache_rules import (
    Directives,
    StoredResponse,
    date_value,
    directives,
    is_for_all,
    is_known,
    is_storable,
    may_be_used,
    may_outlast_errors,
    seconds_of,
    vary_names,
    vary_values,
)
from gateway.http.exchange import (
    Exchange,
    ForwardHead,
    Headers,
    RequestHead,
    Response,
    ResponseHead,
    TimeoutOverrides,
    header_values,
)
from gateway.http.forwarding_headers import header_text
from gateway.http.header_names import FreeHeaderName, HeaderName, HeaderValue, name_spelling
from gateway.http.origins import AllowedOrigins
from gateway.http.problems import (
    BAD_REQUEST,
    BAD_SIGNATURE,
    FORBIDDEN,
    INVALID_TOKEN,
    MISSING_TOKEN,
    NO_ROUTE,
    NOT_CACHED,
    RATE_LIMITED,
    UPSTREAM_BROKEN,
    Problem,
    ProblemType,
    retry_after,
)
from gateway.http.token_syntax import HttpToken
from gateway.http.upgrade import asked_upgrade
from gateway.http.upstream_names import is_under
from gateway.limits import LimitPart, Limits, RateBucket, Subject, Window, admit, rate_parts
from gateway.oauth.api_keys import HeldKey
from gateway.oauth.caller_facts import AssertionRules, CallerAssertions
from gateway.oauth.client_claims import claims_of
from gateway.oauth.errors import OAuthError
from gateway.oauth.exchange import (
    ACCESS_TOKEN_TYPE,
    TOKEN_TYPES,
    SubjectToken,
    delegated,
    exchanged_audience,
    exchanged_lifetime,
    exchanged_scopes,
    noted_actor,
)
from gateway.oauth.grant_services import GrantRefreshTokens, GrantTokens, GrantUsers
from gateway.oauth.grants import Grant, GrantRequest, IssuedToken
from gateway.oauth.model import Client, ExchangeRules, TokenInfo
from gateway.oauth.networks import is_inside
from gateway.plugin.path_template import PathTemplate
from gateway.plugin.store_services import CachedResponses, UsedOnce
from gateway.runtime.caches import cached
from gateway.runtime.caches import register as register_cache
from gateway.runtime.hex_ids import hex_ids

HOOKS = (
    "on_preflight",
    "on_request",
    "on_authorized",
    "on_body",
    "on_forward",
    "on_response",
    "on_stream",
    "on_failure",
    "on_finish",
)


def check_by(by: str) -> str:
    """Validates the subject of a limit."""
    return Subject(by).by


By = Annotated[str, AfterValidator(check_by)]
"""The subject of a limit: `client`, `address`, `route` or `header:NAME`."""


class PluginConfig(BaseModel):
    """Base class of plugin configurations: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class PluginContext:
    """The services of the gateway that a plugin may use."""

    clock: Clock
    """The wall clock: seconds since the epoch."""
    place: str = ""
    """Identifies this use of the plugin in gateway.yaml; the same in every worker and after a reload."""
    clients: StaticClients = field(default_factory=StaticClients)
    """The clients of gateway.yaml."""
    tiers: Mapping[str, Rate] = field(default_factory=dict)
    """The named limits of `tiers`."""
    users: GrantUsers | None = None
    """User authentication, for grants."""
    refresh_tokens: GrantRefreshTokens | None = None
    """Refresh tokens; for grants."""
    tokens: GrantTokens | None = None
    """Tokens that clients bring; for grants."""
    responses: CachedResponses | None = None
    """Cached responses in the store."""
    once: UsedOnce | None = None
    """What may be used only once, recorded in the store."""
    api_keys: ApiKeys | None = None
    """The API keys of clients in the store."""
    registered: KnownClients | None = None
    """All clients, those in the store as well; None for commands that ask nobody."""
    assertions: CallerAssertions | None = None
    """Assertions for backends; None where nothing is sent."""
    limits: Limits = field(default_factory=Limits)
    """Limits shared by all workers and gateways. A plugin that uses them starts and stops them."""


class Plugin:
    """Common base class. Subclass `GrantPlugin` or `ProxyPlugin`."""

    Config: ClassVar[type[BaseModel]] = PluginConfig
    """The pydantic model of the plugin's configuration."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        """Runs in a thread at a reload: what belongs to the event loop begins in `start`."""
        self.config = config
        self.context = context

    async def start(self) -> None:
        """Acquires resources. An exception keeps the gateway from starting."""

    async def stop(self) -> None:
        """Releases what `start` has acquired, also after a failed start."""


class GrantPlugin(Plugin):
    """Implements one grant type of the token endpoint."""

    grant_type: ClassVar[str]
    """The `grant_type` (RFC 6749 section 4); a URI for extension grants (section 4.5)."""
    depends_on: ClassVar[Sequence[str] | None] = None
    """The parameters of the form that `grant` depends on, if it depends on nothing else but the client and
    the rules in the request, and does nothing. What it decides is then kept for equal requests. Without
    effect where there is an `on_issued`. None: it is called for each request."""

    @property
    def name(self) -> str:
        """The grant's name in `grants` and in clients' `grants`."""
        return self.context.place or self.grant_type

    def grant(self, request: GrantRequest) -> Grant | Awaitable[Grant]:
        """Decides what the access token grants.

        Raises:
            OAuthError: the error response for the client.
        """
        raise NotImplementedError

    def on_issued(
        self, request: GrantRequest, issued: IssuedToken
    ) -> Mapping[str, str] | Awaitable[Mapping[str, str]]:
        """Returns additional members of the token response, such as a refresh token.

        Called when the access token is stored but not sent yet. If this raises, the client does not get it.
        """
        return {}


class ProxyPlugin(Plugin):
    """Hooks into the phases of a proxied request. Hooks that are not overridden cost nothing."""

    idle: Collection[str] = ()
    """Hooks that are no-ops with this configuration; set in `__init__`. They are not called, and the data
    they would need is not prepared."""
    head_only: Collection[str] = ()
    """Those of `on_forward` and `on_response` that depend on the head alone and change nothing else.
    `on_forward` may then use `exchange.request` (except the client address), `exchange.route` and
    `exchange.forward`; `on_response` only `exchange.response`. They run before all other hooks of the phase
    and before the gateway adds its own headers. Their result is cached per distinct head, so they cost
    nothing on repeated heads."""
    body_limits: Mapping[BodyKind, int] = MappingProxyType({"request": 1024**2, "response": 1024**2})
    """Bytes up to which `on_body` gets the bodies of requests and responses; set in `__init__`. A larger
    request is answered with 413, a larger response with 502. A kind that is missing is never collected."""
    foreseeable: ClassVar[bool] = False
    """Whether `on_forward` only changes `exchange.forward`, so that `gatepost explain` can run it."""
    replaces_upstream: ClassVar[bool] = False
    """Whether `on_forward` only answers in place of the upstream, and judges nothing: it is not called where
    another proxy asks whether a request may pass (`/auth/verify`)."""

    def summary(self) -> str:
        """A short description for `gatepost explain`, without secrets."""
        return type(self).__name__

    def client_path(self, path: bytes, request: RequestHead) -> bytes | None:
        """For plugins that change the path that goes upstream: where clients find what the upstream has at
        `path`. Redirects and cookies of responses to `request` are rewritten by it. None: this plugin does
        not know; then the others are asked, and `strip_prefix` last.
        """
        return None

    def allows_origin(self, origin: bytes) -> bool:
        """Whether web pages of this origin are listed as ones that may call the route. Only to them a token
        in a cookie is of use (`token_from`).
        """
        return False

    def on_preflight(self, exchange: Exchange) -> Response | Awaitable[Response | None] | None:
        """A CORS preflight for this route (Fetch standard, section 3.2.2). A `Response` ends the request;
        otherwise it is processed like any OPTIONS request."""

    def on_request(self, exchange: Exchange) -> Response | Awaitable[Response | None] | None:
        """Before authentication. A `Response` ends the request."""

    def on_authorized(self, exchange: Exchange) -> Response | Awaitable[Response | None] | None:
        """After authentication; `exchange.token` is None on open routes. A `Response` ends the request."""

    def wants_body(self, exchange: Exchange, kind: BodyKind) -> bool:
        """Whether `on_body` is called for this message, by `exchange.request` or `exchange.response`. What no
        plugin wants is passed on as it comes: event streams must not be wanted, they have no end.
        """
        return True

    def on_body(self, exchange: Exchange, body: MessageBody) -> Response | Awaitable[Response | None] | None:
        """The whole body has arrived: of the request before `on_forward`, of the response before
        `on_response`. `body.content` can be changed. A `Response` ends a request; of responses only a raised
        `Problem` does.
        """

    def on_forward(self, exchange: Exchange) -> Response | Awaitable[Response | None] | None:
        """`exchange.forward` can be changed before it is sent. A `Response` ends the request."""

    def on_response(self, exchange: Exchange) -> Awaitable[None] | None:
        """`exchange.response` from the upstream can be changed."""

    def on_stream(self, exchange: Exchange, length: int | None) -> BodyFilter | Response | None:
        """All `on_response` hooks have run, and the head goes out next, with what this hook still changes in
        `exchange.response`. A `BodyFilter` sees or changes the body as it streams; a changed response has no
        Content-Length, a weak ETag and no digests. Also called for plugins' own responses, and for responses
        without a body, such as those to HEAD, whose filter is not used. A `Response` can take the place of a
        304, or of an error of the upstream's (5xx).

        Args:
            exchange: with the response's final head.
            length: bytes of the body, where they are known.
        """

    def on_failure(self, exchange: Exchange) -> Response | Awaitable[Response | None] | None:
        """The upstream refused the connection, broke off before a response, was too slow, or is not asked at
        present. A `Response` takes the place of the error; its `on_stream` hooks run.
        """

    def on_finish(self, exchange: Exchange) -> Awaitable[None] | None:
        """The response is complete or the request has failed."""


__all__ = [
    "ACCESS_TOKEN_TYPE",
    "BAD_REQUEST",
    "BAD_SIGNATURE",
    "FORBIDDEN",
    "HOOKS",
    "INVALID_TOKEN",
    "MISSING_TOKEN",
    "NOT_CACHED",
    "NO_ROUTE",
    "RATE_LIMITED",
    "TOKEN_TYPES",
    "UPSTREAM_BROKEN",
    "AllowedOrigins",
    "ApiKeys",
    "AssertionRules",
    "BodyFilter",
    "BodyKind",
    "By",
    "CachedResponses",
    "CallerAssertions",
    "Cidr",
    "Client",
    "Directives",
    "Exchange",
    "ExchangeRules",
    "FilePath",
    "ForwardHead",
    "FreeHeaderName",
    "Grant",
    "GrantPlugin",
    "GrantRefreshTokens",
    "GrantRequest",
    "GrantTokens",
    "GrantUsers",
    "HeaderName",
    "HeaderValue",
    "Headers",
    "HeldKey",
    "HttpToken",
    "IssuedToken",
    "Lifetime",
    "LimitPart",
    "Limits",
    "Margin",
    "MessageBody",
    "OAuthError",
    "PathTemplate",
    "Plugin",
    "PluginConfig",
    "PluginContext",
    "Problem",
    "ProblemType",
    "ProxyPlugin",
    "Rate",
    "RateBucket",
    "RequestHead",
    "Response",
    "ResponseHead",
    "Size",
    "StaticClients",
    "StoreUnavailable",
    "StoredResponse",
    "Subject",
    "SubjectToken",
    "Timeout",
    "TimeoutOverrides",
    "TokenInfo",
    "UsedOnce",
    "Window",
    "admit",
    "asked_upgrade",
    "cached",
    "claims_of",
    "date_value",
    "delegated",
    "directives",
    "exchanged_audience",
    "exchanged_lifetime",
    "exchanged_scopes",
    "header_text",
    "header_values",
    "hex_ids",
    "is_browser_origin",
    "is_browser_origin_pattern",
    "is_for_all",
    "is_inside",
    "is_known",
    "is_storable",
    "is_under",
    "may_be_used",
    "may_outlast_errors",
    "name_spelling",
    "noted_actor",
    "rate_parts",
    "register_cache",
    "retry_after",
    "seconds_of",
    "vary_names",
    "vary_values",
]
