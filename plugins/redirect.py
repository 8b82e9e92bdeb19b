"""Answers with a redirect, to a place that the configuration fixes."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gateway.plugin import (
    NO_ROUTE,
    Answer,
    Exchange,
    Fault,
    PathTemplate,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
)


class RedirectConfig(PluginConfig):
    """Options of `redirect`."""

    to: str = Field(
        description="Where to: a path, or a whole http or https URL, whose path may have names of path in "
        "braces. The host is never taken from the request."
    )
    path: str = Field(
        default="/{rest...}",
        description="The caller's path as a template: {name} is one segment, {name...} at the end all that "
        "are left. Paths of another form are 404.",
    )
    status: Literal[301, 302, 303, 307, 308] = Field(
        default=308, description="301 and 308 are for good; 307 and 308 keep the method."
    )
    query: bool = Field(default=True, description="Whether the caller's query goes along.")

    @model_validator(mode="after")
    def _place_is_fixed(self) -> "RedirectConfig":
        base, path = split_place(self.to)
        taken, given = PathTemplate.parse(self.path), PathTemplate.parse(path)
        unknown = sorted(given.names - taken.names)
        if unknown:
            raise ValueError(f"to has a name that path has not: {', '.join(unknown)}")
        if not base and taken == given:
            raise ValueError("would lead to itself: to must differ from the caller's path")
        return self


def split_place(to: str) -> tuple[str, str]:
    """The fixed beginning and the path of where to go.

    Raises:
        ValueError: the place depends on the request, or is none.
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
    """No open redirect: host and form of the place are the configuration's, segments alone the caller's."""

    Config = RedirectConfig

    def __init__(self, config: RedirectConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        base, path = split_place(config.to)
        self._base = base.encode()
        self._from = PathTemplate.parse(config.path)
        self._to = PathTemplate.parse(path)

    def on_request(self, exchange: Exchange) -> Answer:
        """Neither token nor upstream is asked."""
        request = exchange.request
        found = self._from.match(request.path)
        if found is None:
            raise Fault(NO_ROUTE)
        query = b"?" + request.query if self.config.query and request.query is not None else b""
        place = self._base + self._to.fill(found) + query
        return Answer(self.config.status, headers=[(b"Location", place)])

    def summary(self) -> str:
        """Where to."""
        return f"Redirect ({self.config.status} to {self.config.to})"
