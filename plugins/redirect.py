"""Responds with a redirect to a configured location."""

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gateway.plugin import (
    BAD_REQUEST,
    NO_ROUTE,
    Exchange,
    PathTemplate,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    RequestHead,
    Response,
)

HTTPS = "https"
HTTPS_PORT = 443
_PORT = re.compile(r":[0-9]*\Z")


class RedirectConfig(PluginConfig):
    """Options of `redirect`."""

    to: str = Field(
        description="The target: a path, or an http or https URL without a query, with names of path "
        "in braces. https: the same URL by https; requests that came by https go on."
    )
    scheme: Literal["http", "https"] | None = Field(
        default=None,
        description="Only requests that came by this scheme are redirected; the others go on. null: all.",
    )
    port: int = Field(
        default=443, ge=1, le=65535, description="With to: https, the port that clients use for https."
    )
    path: str = Field(
        default="/{rest...}",
        description="Template for the client's path, as in rewrite; other paths get 404.",
    )
    status: Literal[301, 302, 303, 307, 308] = Field(
        default=308,
        description="301, 302, 303, 307 or 308. 301 and 308 are permanent; 307 and 308 keep the method.",
    )
    query: bool = Field(default=True, description="true: the client's query is appended.")

    @model_validator(mode="after")
    def _place_is_fixed(self) -> "RedirectConfig":
        if self.to == HTTPS:
            _check_to_https(self)
            return self
        if "port" in self.model_fields_set:
            raise ValueError("port has no effect without to: https")
        base, path = split_location(self.to)
        path_template, location_template = PathTemplate.parse(self.path), PathTemplate.parse(path)
        unknown = sorted(location_template.names - path_template.names)
        if unknown:
            raise ValueError(f"to has a name that path has not: {', '.join(unknown)}")
        if not base and path_template == location_template:
            raise ValueError("would lead to itself: to must differ from the client's path")
        return self


def _check_to_https(config: RedirectConfig) -> None:
    """Raises ValueError for options that mean nothing where scheme alone changes."""
    if config.scheme is not None and config.scheme != "http":
        raise ValueError("with to: https only requests by http are redirected")
    for key in ("path", "query"):
        if key in config.model_fields_set:
            raise ValueError(f"{key} has no effect with to: https, which keeps path and query")


def split_location(to: str) -> tuple[str, str]:
    """Splits a location into its fixed origin (empty for a path) and its path template.

    Raises:
        ValueError: it is malformed, or its host would depend on the request.
    """
    if to.startswith("/") and not to.startswith("//"):
        return "", to
    parts = urlsplit(to)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("to must be a path, or a URL such as https://example.org/path")
    if set(parts.netloc) & set("{}\\") or parts.query or parts.fragment or not parts.netloc.isascii():
        raise ValueError("to must have a fixed host, and neither a query (?) nor a fragment (#)")
    return f"{parts.scheme}://{parts.netloc}", parts.path or "/"


class Redirect(ProxyPlugin):
    """Redirects. Not an open redirect: host and path structure are fixed, or those of the request itself."""

    Config = RedirectConfig

    def __init__(self, config: RedirectConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._to_https = config.to == HTTPS
        self._scheme = "http" if self._to_https else config.scheme
        base, path = ("", "/") if self._to_https else split_location(config.to)
        self._base = base.encode()
        self._from = PathTemplate.parse(config.path)
        self._to = PathTemplate.parse(path)

    def on_request(self, exchange: Exchange) -> Response | None:
        """Responds before authentication."""
        request = exchange.request
        if self._scheme is not None and request.peer.scheme != self._scheme:
            return None
        if self._to_https:
            return self._redirect(self._by_https(request))
        values = self._from.match(request.path)
        if values is None:
            raise Problem(NO_ROUTE)
        query = b"?" + request.query if self.config.query and request.query is not None else b""
        return self._redirect(self._base + self._to.fill(values) + query)

    def _redirect(self, location: bytes) -> Response:
        return Response(self.config.status, headers=[(b"Location", location)])

    def _by_https(self, request: RequestHead) -> bytes:
        """The URL that was asked for, by https. A client that names another host misleads itself alone."""
        forwarded = request.peer.forwarded_host
        host = _PORT.sub("", request.host if forwarded is None else forwarded.decode("latin-1"))
        if not host:
            raise Problem(BAD_REQUEST, "Host is needed for the redirect to https.")
        port = "" if self.config.port == HTTPS_PORT else f":{self.config.port}"
        return f"https://{host}{port}".encode() + request.target

    def summary(self) -> str:
        """Status and location, for `gatepost explain`."""
        return f"Redirect ({self.config.status} to {self.config.to})"
