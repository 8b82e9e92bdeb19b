"""A route of gateway.yaml, with everything worked out that no request needs to work out again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.http.body_hook import BodyHook
from gateway.http.token_sources import TokenSources
from gateway.http.upstream_names import UpstreamNames
from gateway.oauth.model import OWN_ONLY

Hooks = tuple[Callable[[Any], Any], ...]
"""Plugins' hooks. Each takes a `gateway.http.exchange.Exchange`, which is made of a route and so above it."""


HEADER: Final = "header"
QUERY: Final = "query parameter"

ConditionName = tuple[str, str]
"""`HEADER` and a name in lower case, or `QUERY` and a name."""


@dataclass(frozen=True, slots=True)
class RouteConditions:
    """What a request must have beside its path (`where`), sorted by name. Empty: nothing."""

    names: tuple[ConditionName, ...] = ()
    values: tuple[str, ...] = ()
    """The value of each name."""

    def __str__(self) -> str:
        pairs = zip(self.names, self.values, strict=True)
        return ", ".join(f"{kind} {name}: {value}" for (kind, name), value in pairs)


NO_CONDITIONS: Final = RouteConditions()


class RoutePipeline(Protocol):
    """A route's compiled hooks (`gateway.proxy.pipeline.Pipeline`), by the phase in which they run."""

    @property
    def on_preflight(self) -> Hooks:
        """For a browser's question whether a page may send a request."""

    @property
    def on_request(self) -> Hooks:
        """Before the token is checked."""

    @property
    def on_authorized(self) -> Hooks:
        """After that."""

    @property
    def head_only_on_forward(self) -> Hooks:
        """For what goes upstream; they go by the head alone, and come first."""

    @property
    def on_forward(self) -> Hooks:
        """For what goes upstream."""

    @property
    def on_verified(self) -> Hooks:
        """Those of them that also concern requests which another proxy forwards."""

    @property
    def head_only_on_response(self) -> Hooks:
        """For the response; they go by its head alone, and come first."""

    @property
    def on_response(self) -> Hooks:
        """For the response."""

    @property
    def request_body(self) -> tuple[BodyHook, ...]:
        """For the request's whole body (`gateway.proxy.body_hooks`)."""

    @property
    def response_body(self) -> tuple[BodyHook, ...]:
        """For the response's whole body."""

    @property
    def on_stream(self) -> tuple[Callable[[Any, int | None], Any], ...]:
        """Those that may filter the response's body as it streams (`gateway.http.body_hook.BodyFilter`)."""

    @property
    def on_failure(self) -> Hooks:
        """Where the upstream gave no response."""

    @property
    def collects_bodies(self) -> bool:
        """Whether there are hooks for bodies, whole or as they stream, or for what takes their place."""

    @property
    def on_finish(self) -> Hooks:
        """After the response."""

    @property
    def client_path(self) -> tuple[Callable[[bytes, Any], bytes | None], ...]:
        """Where clients find a path of the upstream's, by plugins that rewrite paths."""

    @property
    def allows_origin(self) -> tuple[Callable[[bytes], bool], ...]:
        """Whether pages of an origin may use the token that their browser keeps in a cookie."""

    @property
    def sees_answers(self) -> bool:
        """Whether a hook sees the upstream's response to a request."""

    def hooks(self, phase: str) -> tuple[Any, ...]:
        """All hooks of a phase, in their order."""


class RouteSessions(Protocol):
    """A route's sticky sessions (`gateway.proxy.sticky_sessions.StickySessions`)."""

    def begin(self, exchange: Any) -> Any:
        """The part that a request has in them (`gateway.upstream.request.Session`)."""


class RouteMirror(Protocol):
    """Where copies of a route's requests go (`gateway.proxy.mirroring.Mirror`)."""

    def copy(self, request: Any, base_path: bytes, body_size: int) -> Any:
        """The copy of an upstream request; None: it is not mirrored."""


class RouteUpstream(Protocol):
    """What a route's requests go to (`gateway.upstream.upstream.Upstream`).

    Requests and calls are that package's own, which is above this one.
    """

    @property
    def name(self) -> str:
        """As gateway.yaml names it."""

    @property
    def settings(self) -> Any:
        """Its timeouts above all (`gateway.upstream.settings.UpstreamSettings`)."""

    def timeouts_for(self, own: Any) -> Any:
        """Its timeouts, but for what one request says of its own (`TimeoutOverrides`)."""

    def begin(self, handler: Any, request: Any) -> Any:
        """Sends a request, without waiting; `handler` gets the response."""


class NoUpstream:
    """That of a route whose requests are only judged (`verify_only`)."""

    name = ""
    settings = None

    def timeouts_for(self, own: Any) -> Any:
        """Nothing may come here."""
        raise RuntimeError("a route with verify_only has no upstream")

    def begin(self, handler: Any, request: Any) -> Any:
        """Nothing may come here."""
        raise RuntimeError("a route with verify_only has no upstream")


@dataclass(slots=True, frozen=True, eq=False)
class Canary:
    """A share of a route's requests goes to another upstream."""

    route: Route
    """The same route, but with the other upstream."""
    percent: float
    """0 to 100."""
    header: bytes | None = None
    """The name, in lower case, of a request header that decides for itself: `always` or `never`."""


@dataclass(slots=True, frozen=True, eq=False)
class Route:
    """A route as gateway.yaml has it, with all worked out that a request need not work out."""

    path: str
    """As configured; also its name in logs and counts."""
    segments: tuple[str | None, ...]
    """Those of its path, percent-decoded; None: a `{name}`."""
    exact: bool
    methods: tuple[str, ...]
    """Empty: all."""
    host: str | None
    """`api.example.org`, `*.example.org`, or None: any."""
    upstream: RouteUpstream
    upstream_name: str
    strip: int
    """How many leading segments do not go upstream."""
    base_path: bytes
    """What is put before the path that goes upstream; empty or without a slash at its end."""
    scopes: frozenset[str]
    scope_text: str
    """The scopes as a challenge names them."""
    audience: str | None
    protected: bool
    """Whether a token is needed."""
    forward_token: bool
    end_with_token: bool
    """Whether a tunnel ends when its token does."""
    metadata_url: str
    """Where RFC 9728's metadata of this route stands."""
    pipeline: RoutePipeline
    issuers: frozenset[str] = OWN_ONLY
    """Whose tokens are accepted, by their names in gateway.yaml; the gateway's own are `OWN`."""
    origin: str = ""
    """`server.public_url` with the route's own host, if it has one: what a DPoP proof must name. Of a host
    such as *.example.org, `*` stands for the name that is asked for."""
    host_header: bytes | None = None
    """The Host that goes upstream; None: the client's."""
    hash_rule: Callable[[Any], bytes] | None = None
    """What the server is chosen by (`gateway.proxy.upstream_selection.HashRule`); None: not by the request.
    """
    canary: Canary | None = None
    """Takes a share of the requests."""
    forwarded_prefix: bytes | None = None
    """What the upstream is told in X-Forwarded-Prefix that was cut off the path; None: nothing was."""
    allow_headers: frozenset[bytes] = frozenset()
    """Names in lower case of headers that pass, though they could override the method or the path."""
    upstream_names: UpstreamNames | None = None
    """What URLs and cookies of responses are rewritten by; None: they pass as they came."""
    token_sources: TokenSources | None = None
    """Where requests may carry their token; None: in Authorization alone."""
    pass_ambiguous_paths: bool = False
    """Whether it takes every path that leads to it as it stands, however else upstreams could read it."""
    where: RouteConditions = NO_CONDITIONS
    """Headers and query parameters that a request must have."""
    case_sensitive: bool = True
    """Whether the case of its path matters."""
    upstream_credentials: bytes | None = None
    """The header, in lower case, in which the upstream gets the gateway's credentials; not the client's."""
    sticky: RouteSessions | None = None
    """Keeps clients on one server of the upstream; None: nothing does."""
    mcp: bool = False
    """Whether its upstream is an MCP server, whose messages are judged (`gateway.proxy.mcp_guard`)."""
    mirror: RouteMirror | None = None
    """Takes copies of requests; None: nobody does."""
    id: str = ""
    """What tells it from all others, in letters and digits."""
    verify_only: bool = False
    """Whether its requests are judged for a proxy that forwards them itself, and never proxied."""
    grpc: bool = False
    """Whether its upstream speaks gRPC. The edge forwards calls to it by itself."""
