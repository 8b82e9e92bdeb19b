"""`routes`: request matching and routing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticKnownError

from gateway.config.addresses import AbsoluteUri, HostPattern, check_base_url
from gateway.config.base import Many, Section
from gateway.config.mcp import McpSettings
from gateway.config.plugins import PluginUse
from gateway.config.route_docs import RouteDocs
from gateway.config.route_paths import check_route_path
from gateway.config.units import Size
from gateway.config.value_types import NAME, Method, Name, Scope
from gateway.http.header_names import HeaderValue, OverrideName, is_framing
from gateway.http.path_readings import TEMPLATE
from gateway.http.route import NO_CONDITIONS, RouteConditions
from gateway.http.route_conditions import route_conditions
from gateway.http.token_sources import COOKIE, HEADER, WEBSOCKET_PROTOCOL
from gateway.http.token_syntax import HttpToken, is_token


def is_url(upstream: str) -> bool:
    """Whether a route's upstream is a URL rather than a name of `upstreams`."""
    return "://" in upstream


def _upstream(value: str) -> str:
    if is_url(value):
        return check_base_url(value)
    if not NAME.fullmatch(value):
        raise ValueError("must be a name of upstreams, or an http or https URL")
    return value


Target = Annotated[str, AfterValidator(_upstream)]
OptionalTarget = Annotated[Target | None, WithJsonSchema({"type": "string"})]
_NOT_GIVEN: Any = object()


def _token_source(value: str) -> str:
    name = value.removeprefix(COOKIE)
    if value not in (HEADER, WEBSOCKET_PROTOCOL) and (name == value or not is_token(name)):
        raise ValueError("must be header, websocket_protocol, or cookie: and a cookie's name")
    return value


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names a place twice")
    return values


TokenSource = Annotated[str, AfterValidator(_token_source)]


class CanarySettings(Section):
    """Canary release: sends a share of the requests to another upstream."""

    upstream: Target = Field(description="A name of upstreams, or a URL.")
    percent: float = Field(
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="The share of the clients, from 0 to 100. A client stays on its side, and clients"
        " included at 5 are included at 10: by the token's client, or by address if there"
        " is no token.",
    )
    header: HttpToken | None = Field(
        default=None,
        description="A request header that overrides the choice: always or never.",
    )


class MirrorSettings(Section):
    """Sends copies of requests to another upstream, whose responses are thrown away."""

    upstream: Target = Field(description="A name of upstreams, or a URL.")
    percent: float = Field(
        default=100,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="The share of the requests, from 0 to 100.",
    )
    max_body: Annotated[Size, Field(le=1024 * 1024)] = Field(
        default=65536, description="Requests with a larger body are not mirrored. At most 1m. A size."
    )


def _condition_header(name: str) -> str:
    """Framing and addressing have keys of their own; credentials change without the route changing."""
    lower = name.lower()
    if lower == "host":
        raise ValueError("can't be a condition: the route's key host is for that")
    if lower in ("authorization", "cookie", "dpop") or is_framing(lower.encode()):
        raise ValueError("can't be a condition: it is a credential, or belongs to one connection")
    return name


class RouteWhere(Section):
    """Conditions that a request must meet beside its path, all of them."""

    headers: Mapping[Annotated[HttpToken, AfterValidator(_condition_header)], HeaderValue] = Field(
        default={}, description="Header names, each with the value that it must have."
    )
    query: Mapping[Annotated[str, Field(min_length=1)], str] = Field(
        default={}, description="Query parameters, each with the value that it must have, decoded."
    )

    @field_validator("headers")
    @classmethod
    def _once(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        if len({name.lower() for name in headers}) < len(headers):
            raise ValueError("has a header twice: their names are case-insensitive")
        return headers

    @property
    def conditions(self) -> RouteConditions:
        """The same as the route table has it."""
        return route_conditions(self.headers, self.query)


class RouteSettings(Section):
    """One route: what it matches, where it forwards to and who may call it."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in ("upstream", "verify_only")]}
    )

    path: Annotated[str, AfterValidator(check_route_path)] = Field(
        description="Prefix of whole segments: /orders matches /orders/7, not /orders-old. {name} stands for "
        "any one segment: /orders/{id}/invoices. The longest match wins, whatever the order; a literal "
        "segment goes before {name}, from the left."
    )
    match: Literal["prefix", "exact"] = Field(default="prefix", description="exact: this path only.")
    methods: Annotated[Many[Method], Field(min_length=1)] | None = Field(
        default=None,
        description="A list such as [GET, HEAD]; null: all. Other methods of the same path can have "
        "another route.",
    )
    host: HostPattern | None = Field(
        default=None,
        description="api.example.org or *.example.org, without a port: only requests for that host. "
        "null: any.",
    )
    where: RouteWhere | None = Field(
        default=None,
        description='Conditions beside the path: {headers: {X-Version: "2"}, query: {beta: "1"}}. The route '
        "takes requests that meet all of them; of several routes for a path, the one with most conditions.",
    )
    case_sensitive: bool = Field(
        default=True,
        description="false: /Orders and /ORDERS are this path as well. Names in {} are not affected.",
    )
    verify_only: bool = Field(
        default=False,
        description="true: requests are judged at /auth/verify, for a proxy that forwards them itself, and "
        "never proxied: sent to the gateway they get 404.",
    )
    upstream: OptionalTarget = Field(
        default_factory=lambda: _NOT_GIVEN,
        validate_default=True,
        description="A name of upstreams, or a URL. Only with verify_only it may be left out.",
    )
    canary: CanarySettings | None = Field(
        default=None,
        description="Sends a share of the requests to another upstream. null: none. Or a mapping.",
    )
    mirror: MirrorSettings | None = Field(
        default=None,
        description="Sends copies of a share of the requests to another upstream. null: none. Or a mapping.",
    )
    strip_prefix: bool = Field(
        default=True,
        description="The route's path is removed before the request goes upstream. A path with a {name} "
        "never is, and true is an error there.",
    )
    rewrite_answers: bool = Field(
        default=True,
        description="true: Location, Content-Location, Refresh and the Path of cookies come back under the "
        "path that strip_prefix or the rewrite plugin took off; where the upstream named itself, scheme, "
        "host and Domain become the client's. false: they pass as they came.",
    )
    ambiguous_paths: Literal["refuse", "pass"] = Field(
        default="refuse",
        description="refuse: 400 for a path that upstreams could read as another route's (case ignored, %2F "
        "decoded, ; parameters cut off, // merged). pass: takes whatever leads to this route as it stands.",
    )
    scopes: Many[Scope] = Field(default=(), description="Scopes that the token must have, all of them.")
    audience: AbsoluteUri | None = Field(
        default=None, description="An absolute URI that must be in the token's audience; null: any."
    )
    issuers: Many[Name] = Field(default=(), description="Names of issuers whose tokens are accepted too.")
    own_tokens: bool = Field(default=True, description="false: the gateway's own tokens are refused here.")
    forward_token: bool | None = Field(
        default=None,
        description="true: the upstream gets the Authorization header. null: true where auth is none, else "
        "false.",
    )
    token_from: Annotated[Many[TokenSource], Field(min_length=1), AfterValidator(_each_once)] = Field(
        default=(HEADER,),
        description="Where the token may be: header (Authorization), cookie:NAME (only with an Origin that "
        "the route's cors plugin lists), websocket_protocol (Sec-WebSocket-Protocol: bearer, TOKEN).",
    )
    allow_headers: Many[OverrideName] = Field(
        default=(),
        description="Request headers that reach the upstream though they could override the method or the "
        "path, such as X-HTTP-Method-Override. All others of this kind are removed.",
    )
    end_with_token: bool = Field(
        default=False,
        description="true: WebSockets, other upgraded connections and responses that are still being sent "
        "end when the token expires or is revoked.",
    )
    auth: Literal["bearer", "none"] = Field(
        default="bearer", description="bearer: a token is required. none: open to all."
    )
    access: Literal["open", "request"] = Field(
        default="open",
        description="open: every client whose token suffices. request: only clients with an approved "
        "subscription to the API, which docs.title names, else host and path.",
    )
    enabled: bool = Field(
        default=True, description="false: as if the route did not exist. It is still checked."
    )
    mcp: McpSettings | None = Field(
        default=None,
        description="The upstream is an MCP server (streamable HTTP): scopes and limits of its tools. null: "
        "its messages are not looked at. Or a mapping.",
    )
    docs: RouteDocs | None = Field(
        default=None,
        description="What the portal's page APIs says of the route: title, summary, group, and an OpenAPI "
        "document. null: its path. Or a mapping.",
    )
    plugins: Many[PluginUse] = Field(
        default=(), description="Its own plugins, which run after the global ones; as under plugins."
    )

    @field_validator("upstream", mode="wrap")
    @classmethod
    def _upstream_unless_verify_only(
        cls, value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> str | None:
        if value is _NOT_GIVEN:
            if not info.data.get("verify_only", True):
                raise PydanticKnownError("missing")
            return None
        if value is None:
            raise PydanticKnownError("string_type")
        found: str = validate(value)
        return found

    @property
    def api_name(self) -> str:
        """The API that the route belongs to, as subscriptions name it. Routes of one name are one API."""
        return (self.docs.title if self.docs is not None else "") or f"{self.host or ''}{self.path}"

    @property
    def first_scopes(self) -> tuple[str, ...]:
        """What a client without a token is told to ask for."""
        return self.scopes if self.mcp is None else tuple(dict.fromkeys([*self.scopes, *self.mcp.default]))

    @property
    def every_scope(self) -> tuple[str, ...]:
        """All scopes that any request can need, each once."""
        of_tools = () if self.mcp is None else (scope for one in self.mcp.tools.values() for scope in one)
        return tuple(dict.fromkeys([*self.first_scopes, *of_tools]))

    @property
    def is_template(self) -> bool:
        """Whether the path has a `{name}`."""
        return TEMPLATE.search(self.path) is not None

    @property
    def strips(self) -> bool:
        """Whether the path is removed before a request goes upstream."""
        return self.strip_prefix and not self.is_template

    @property
    def conditions(self) -> RouteConditions:
        """Those of `where`."""
        return NO_CONDITIONS if self.where is None else self.where.conditions
