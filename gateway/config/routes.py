"""`routes`: which requests go where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.config.addresses import AbsoluteUri, HostPattern, check_base_url
from gateway.config.base import Many, Section
from gateway.config.paths import check_path
from gateway.config.plugins import PluginUse
from gateway.config.words import NAME, HeaderName, Method, Name, Scope


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


class CanarySettings(Section):
    """A share of a route's requests goes to another upstream."""

    upstream: Target = Field(description="A name of upstreams, or a URL.")
    percent: float = Field(
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="The share of the callers, from 0 to 100. A caller stays on its side, and who is in at "
        "5 is in at 10: by the token's client, or by address where there is no token.",
    )
    header: HeaderName | None = Field(
        default=None,
        description="A request header that decides for itself: always or never. null: none does.",
    )


class RouteSettings(Section):
    """Which requests go where, and who may send them."""

    path: Annotated[str, AfterValidator(check_path)] = Field(
        description="A prefix of whole segments, without / at its end; the longest match wins."
    )
    match: Literal["prefix", "exact"] = Field(
        default="prefix", description="prefix: the path and all beneath it. exact: this path only."
    )
    methods: Annotated[Many[Method], Field(min_length=1)] | None = Field(
        default=None,
        description="The methods that it takes. null: all. Other methods can have another route.",
    )
    host: HostPattern | None = Field(
        default=None, description="The Host that it takes: api.example.org or *.example.org. null: any."
    )
    upstream: Target = Field(description="A name of upstreams, or a URL such as http://host:port/base.")
    canary: CanarySettings | None = Field(
        default=None, description="A share of its requests goes to another upstream. null: none."
    )
    strip_prefix: bool = Field(
        default=True, description="Whether the route's path is cut off before the request goes upstream."
    )
    scopes: Many[Scope] = Field(default=(), description="Scopes that the token must have, all of them.")
    audience: AbsoluteUri | None = Field(
        default=None, description="The audience that the token must be for: an absolute URI. null: any."
    )
    issuers: Many[Name] = Field(
        default=(), description="Other issuers whose tokens it takes, too: names of issuers."
    )
    own_tokens: bool = Field(
        default=True, description="false: only the tokens of those issuers, none of the gateway's own."
    )
    forward_token: bool = Field(
        default=False, description="Whether the Authorization header goes upstream, too."
    )
    end_with_token: bool = Field(
        default=False,
        description="Whether a WebSocket or another upgraded connection is closed when its token ends.",
    )
    auth: Literal["bearer", "none"] = Field(
        default="bearer", description="bearer: a token is needed. none: open to all."
    )
    enabled: bool = Field(default=True, description="false: as if it were not there, but checked.")
    plugins: Many[PluginUse] = Field(default=(), description="Its own plugins, after the global ones.")
