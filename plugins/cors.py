"""CORS: lets pages of other origins call a route (Fetch standard section 3.2)."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.plugin import (
    AllowedOrigins,
    Exchange,
    Headers,
    HttpToken,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    Response,
    Timeout,
    is_browser_origin,
    is_browser_origin_pattern,
)

_CORS_HEADERS = frozenset(
    {
        b"access-control-allow-origin",
        b"access-control-allow-credentials",
        b"access-control-expose-headers",
        b"access-control-allow-methods",
        b"access-control-allow-headers",
        b"access-control-max-age",
    }
)

_OF_MCP = (b"MCP-Protocol-Version", b"Mcp-Session-Id", b"Mcp-Method", b"Mcp-Name", b"Last-Event-ID")
# MCP 2026-07-28: parameters of tools, which the gateway does not know, are repeated in headers.
_OF_TOOLS = re.compile(rb"mcp-param-[!#$%&'*+.^_`|~0-9a-z-]{1,128}", re.IGNORECASE)
_MOST_OF_TOOLS = 50

_ALWAYS_EXPOSED = ("WWW-Authenticate", "DPoP-Nonce", "Retry-After")
"""What a page needs in order to get past a 401, 403 or 429."""


def check_allowed_origin(value: str) -> str:
    """An origin as a browser sends it, one with a wildcard for its first label, or `*`."""
    if value != "*" and not is_browser_origin(value) and not is_browser_origin_pattern(value):
        raise ValueError(
            "must be *, an origin such as https://app.example.org, or https://*.example.org: lower case, "
            "nothing behind the port"
        )
    return value


Origin = Annotated[str, AfterValidator(check_allowed_origin)]


class CorsConfig(PluginConfig):
    """Options of `cors`."""

    origins: tuple[Origin, ...] = Field(
        min_length=1,
        description="The allowed origins, as browsers send them (https://app.example.org, no path, "
        "lower case), https://*.example.org for every host with one label in place of the *, or "
        '["*"] for all.',
    )
    methods: tuple[HttpToken, ...] = Field(
        default=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        description="The allowed methods.",
    )
    headers: tuple[HttpToken, ...] = Field(
        default=("Authorization", "Content-Type"), description="The allowed request headers."
    )
    expose: tuple[HttpToken, ...] = Field(
        default=(),
        description="Response headers that pages may read, in addition to the CORS-safelisted ones and to"
        " WWW-Authenticate, DPoP-Nonce and Retry-After.",
    )
    credentials: bool = Field(
        default=False, description="true: browsers may send cookies. Not together with *."
    )
    max_age: Timeout = Field(default=600, description="How long browsers may cache a preflight. A duration.")

    @model_validator(mode="after")
    def _no_credentials_for_all(self) -> "CorsConfig":
        if "*" in self.origins and len(self.origins) > 1:
            raise ValueError("origins has * beside others, which then mean nothing")
        if "*" in self.origins and self.credentials:
            raise ValueError("credentials can't be allowed to every origin: list the origins")
        return self


class Cors(ProxyPlugin):
    """Answers preflights before authentication and adds CORS headers to responses.

    Origins are never reflected: only listed ones get headers.
    """

    Config = CorsConfig
    head_only = ("on_response",)

    def __init__(self, config: CorsConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._any = config.origins == ("*",)
        self._origins = AllowedOrigins(() if self._any else config.origins)
        self._methods = ", ".join(config.methods).encode()
        self._headers = ", ".join(config.headers).encode()
        self._expose = ", ".join(_exposed(config.expose)).encode()
        self._age = b"%d" % config.max_age
        self._headers_by_origin = {origin: self._headers_for(origin) for origin in self._origins.exact}
        """Precomputed headers of each origin; shared, so never modified."""
        self._unlisted = self._headers_for(None)

    def allows_origin(self, origin: bytes) -> bool:
        """Whether the origin is listed. Where all are allowed, none is."""
        return origin in self._origins

    def on_preflight(self, exchange: Exchange) -> Response:
        """Answers a preflight."""
        headers = list(self._request_headers(exchange))
        vary = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        if len(headers) > (0 if self._any else 1):
            headers += [
                (b"Access-Control-Allow-Methods", self._methods),
                (b"Access-Control-Allow-Headers", self._allowed_headers(exchange)),
                (b"Access-Control-Max-Age", self._age),
            ]
        return Response(204, headers=[(b"Vary", vary), *(item for item in headers if item[0] != b"Vary")])

    def _allowed_headers(self, exchange: Exchange) -> bytes:
        """The allowed request headers: on a route to an MCP server those of its protocol, too."""
        if not exchange.route.mcp:
            return self._headers
        asked = exchange.request.value(b"access-control-request-headers") or b""
        of_tools = [name for name in map(bytes.strip, asked.split(b",")) if _OF_TOOLS.fullmatch(name)]
        return b", ".join([self._headers, *_OF_MCP, *of_tools[:_MOST_OF_TOOLS]])

    def on_request(self, exchange: Exchange) -> None:
        """Added early, so that pages can read error responses, too."""
        exchange.added_response_headers += self._request_headers(exchange)

    def on_response(self, exchange: Exchange) -> None:
        """Removes the upstream's CORS headers: browsers reject duplicates."""
        response = exchange.response
        if response is not None:
            response.headers = [item for item in response.headers if item[0].lower() not in _CORS_HEADERS]

    def _request_headers(self, exchange: Exchange) -> Headers:
        """The CORS headers for the origin of this request."""
        origins = exchange.request.values(b"origin")
        if len(origins) != 1:
            return self._unlisted
        headers = self._headers_by_origin.get(origins[0])
        if headers is None:
            # Not precomputed for what a wildcard allows: there is no end of those.
            allowed = origins[0] in self._origins
            headers = self._headers_for(origins[0]) if allowed else self._unlisted
        return headers

    def _headers_for(self, origin: bytes | None) -> Headers:
        """The CORS headers for an origin. The response depends on it, hence Vary."""
        if self._any:
            headers: Headers = [(b"Access-Control-Allow-Origin", b"*")]
        else:
            headers = [(b"Vary", b"Origin")]
            if origin is None:
                return headers
            headers.append((b"Access-Control-Allow-Origin", origin))
            if self.config.credentials:
                headers.append((b"Access-Control-Allow-Credentials", b"true"))
        headers.append((b"Access-Control-Expose-Headers", self._expose))
        return headers


def _exposed(configured: tuple[str, ...]) -> list[str]:
    """The headers that pages may read: of the gateway's challenges, and configured ones."""
    known = {name.lower() for name in _ALWAYS_EXPOSED}
    return [*_ALWAYS_EXPOSED, *(name for name in configured if name.lower() not in known)]
