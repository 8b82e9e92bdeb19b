"""The routes of gateway.yaml as the proxy knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from gateway.assembly.plugins import PluginShelf
from gateway.assembly.upstreams import configured_upstreams
from gateway.config.model import Settings
from gateway.config.routes import RouteSettings
from gateway.endpoints import RESOURCE_METADATA
from gateway.oauth.values import OWN_ONLY
from gateway.proxy.canary import Canary
from gateway.proxy.destination import key_rule
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.routes import Route, RouteTable, segments_of
from gateway.upstream import Upstream


class RouteMaker:
    """Works out for each route what a request need not work out."""

    def __init__(
        self,
        settings: Settings,
        upstreams: Mapping[str, Upstream],
        shelf: PluginShelf,
    ) -> None:
        self._public_url = settings.server.public_url
        self._configured = configured_upstreams(settings)
        self._upstreams = upstreams
        self._shelf = shelf
        self._global_plugins = shelf.proxy_plugins(settings.plugins, "everywhere")

    def route(self, settings: RouteSettings) -> Route:
        """One route, compiled."""
        route, canary = self._without_canary(settings), settings.canary
        if canary is None:
            return route
        other = replace(route, **self._destination(canary.upstream))
        header = None if canary.header is None else canary.header.lower().encode()
        return replace(route, canary=Canary(other, canary.percent, header))

    def _without_canary(self, settings: RouteSettings) -> Route:
        segments = segments_of(settings.path)
        own = self._shelf.proxy_plugins(settings.plugins, _place(settings))
        return Route(
            path=settings.path,
            segments=segments,
            exact=settings.match == "exact",
            methods=tuple(settings.methods or ()),
            host=settings.host,
            strip=len(segments) if settings.strip_prefix else 0,
            scopes=frozenset(settings.scopes),
            scope_text=" ".join(settings.scopes),
            audience=settings.audience,
            protected=settings.auth == "bearer",
            forward_token=settings.forward_token,
            end_with_token=settings.end_with_token,
            issuers=accepted_issuers(settings),
            metadata_url=self.metadata_url(settings.path),
            origin=origin(self._public_url, settings.host),
            pipeline=compile_pipeline([*self._global_plugins, *own]),
            **self._destination(settings.upstream),
        )

    def _destination(self, name: str) -> dict[str, Any]:
        """What of a route follows from its upstream."""
        upstream, configured = self._upstreams[name], self._configured[name]
        host = configured.host_header
        return {
            "upstream": upstream,
            "upstream_name": name,
            "base_path": base_path(upstream),
            "host_header": None if host is None else host.encode(),
            "key_rule": key_rule(configured.hash_by) if configured.balance == "hash" else None,
        }

    def metadata_url(self, path: str) -> str:
        """RFC 9728 section 3.1: the well-known part stands between the host and the route's path."""
        return self._public_url + RESOURCE_METADATA + resource_path(path)


def resource_path(path: str) -> str:
    """A route's path as it stands in the identifier of its resource, and behind the well-known part."""
    return "" if path == "/" else quote(path, safe="/%")


def accepted_issuers(settings: RouteSettings) -> frozenset[str]:
    """Whose tokens a route takes."""
    if not settings.issuers and settings.own_tokens:
        return OWN_ONLY
    return frozenset(settings.issuers) | (OWN_ONLY if settings.own_tokens else frozenset())


def _place(settings: RouteSettings) -> str:
    """A name that only this route has, and that stays when other routes come and go."""
    return f"{settings.host or '*'}{settings.path} {settings.match} {','.join(settings.methods or ('*',))}"


def origin(public_url: str, host: str | None) -> str:
    """Where callers of a route think that they are: `public_url`, with the route's own host if it has one."""
    if host is None:
        return public_url
    parts = urlsplit(public_url)
    name = "*" if host.startswith("*.") else host
    return f"{parts.scheme}://{name}" + (f":{parts.port}" if parts.port else "")


def base_path(upstream: Upstream) -> bytes:
    """What an upstream's URL puts before every path."""
    url = upstream.settings.servers[0].url
    return b"" if url.startswith("unix:") else urlsplit(url).path.rstrip("/").encode()


def route_table(settings: Settings, upstreams: Mapping[str, Upstream], shelf: PluginShelf) -> RouteTable:
    """All routes that are switched on."""
    maker = RouteMaker(settings, upstreams, shelf)
    return RouteTable(maker.route(route) for route in settings.routes if route.enabled)
