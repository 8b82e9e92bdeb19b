"""Compiles the routes of gateway.yaml for the proxy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from gateway.assembly.plugins import PluginSet
from gateway.assembly.shared_sets import SharedSets
from gateway.assembly.tokens import configured_keys
from gateway.assembly.upstreams import configured_upstreams
from gateway.clock import system_clock
from gateway.config.differences import route_id
from gateway.config.model import Settings
from gateway.config.routes import MirrorSettings, RouteSettings
from gateway.config.upstreams import UpstreamConfig
from gateway.http.endpoints import RESOURCE_METADATA
from gateway.http.route import Canary, NoUpstream, Route
from gateway.http.route_target import literal_prefix, route_segments
from gateway.http.token_sources import token_sources
from gateway.http.upstream_names import UpstreamNames
from gateway.mcp.rules import ToolRules
from gateway.oauth.model import OWN_ONLY
from gateway.otel.tracer import Tracer
from gateway.plugin import PluginContext, ProxyPlugin
from gateway.proxy.client_networks import ClientNetworks
from gateway.proxy.mcp_guard import McpGuard
from gateway.proxy.mirroring import Mirror, MirrorTarget
from gateway.proxy.pipeline import Pipeline, compile_pipeline
from gateway.proxy.route_table import RouteTable
from gateway.proxy.sticky_sessions import StickySessions
from gateway.proxy.subscription_guard import SubscriptionGuard
from gateway.proxy.trace_hooks import TraceAuthorization, TracePropagation
from gateway.proxy.upstream_selection import hash_rule
from gateway.runtime.give_way import giving_way
from gateway.upstream import Upstream
from gateway.upstream.address import parse_server_address

NO_HEADERS: frozenset[bytes] = frozenset()
MirrorDropped = Callable[[str, str], None]
"""Counts a request of a route that has no copy, with the reason."""


def not_counted(_route: str, _reason: str) -> None:
    """For tables that serve nobody."""


class RouteCompiler:
    """Compiles routes: everything that does not depend on a request is computed here once."""

    def __init__(
        self,
        settings: Settings,
        upstreams: Mapping[str, Upstream],
        plugin_set: PluginSet,
        mirror_dropped: MirrorDropped = not_counted,
        tracer: Tracer | None = None,
    ) -> None:
        """`tracer`: None where no traces are recorded."""
        self._mirror_dropped = mirror_dropped
        self._settings = settings
        self._public_url = settings.server.public_url
        self._configured = configured_upstreams(settings)
        self._upstreams = upstreams
        self._plugin_set = plugin_set
        self._last_hooks = [] if tracer is None else [TraceAuthorization(tracer)]
        self._global_plugins: list[ProxyPlugin] = [
            *([] if tracer is None else [TracePropagation(tracer)]),
            *_client_networks(settings),
            *plugin_set.proxy_plugins(settings.plugins, "everywhere"),
        ]
        self._global_pipeline = compile_pipeline([*self._global_plugins, *self._last_hooks])
        self._sets = SharedSets()
        self._server_names = {name: _server_names(upstream) for name, upstream in upstreams.items()}

    def route(self, settings: RouteSettings) -> Route:
        """Compiles one route."""
        route, canary = self._without_canary(settings), settings.canary
        if canary is None:
            return route
        other = replace(route, **self._destination(settings, canary.upstream))
        header = None if canary.header is None else canary.header.lower().encode()
        return replace(route, canary=Canary(other, canary.percent, header))

    def _without_canary(self, settings: RouteSettings) -> Route:
        segments = route_segments(settings.path)
        own = self._plugin_set.proxy_plugins(settings.plugins, plugin_place(settings))
        return Route(
            path=settings.path,
            segments=segments,
            exact=settings.match == "exact",
            methods=tuple(settings.methods or ()),
            host=settings.host,
            strip=len(segments) if settings.strips else 0,
            scopes=self._sets.of(settings.scopes),
            scope_text=" ".join(settings.first_scopes),
            audience=settings.audience,
            protected=settings.auth == "bearer",
            forward_token=forwards_token(settings),
            end_with_token=settings.end_with_token,
            issuers=accepted_issuers(settings),
            metadata_url=self.metadata_url(settings),
            origin=origin(self._public_url, settings.host),
            pipeline=self._pipeline(
                tuple(self._subscription_guard(settings)), (*own, *self._mcp_guard(settings))
            ),
            forwarded_prefix=_prefix(settings) or None,
            allow_headers=_header_names(settings.allow_headers),
            token_sources=token_sources(settings.token_from),
            pass_ambiguous_paths=settings.ambiguous_paths == "pass",
            where=settings.conditions,
            mirror=self._mirror(settings.path, settings.mirror),
            mcp=settings.mcp is not None,
            case_sensitive=settings.case_sensitive,
            # Calls of gRPC are forwarded by Envoy, which asks about them.
            verify_only=settings.verify_only or self._settings.speaks_grpc(settings.upstream),
            grpc=self._settings.speaks_grpc(settings.upstream),
            id=route_id(settings),
            **self._destination(settings, settings.upstream),
        )

    def _pipeline(self, first: tuple[ProxyPlugin, ...], last: tuple[ProxyPlugin, ...]) -> Pipeline:
        """The hooks around and of the global plugins. Routes without plugins of their own share one."""
        if not first and not last:
            return self._global_pipeline
        return compile_pipeline([*first, *self._global_plugins, *last, *self._last_hooks])

    def _subscription_guard(self, route: RouteSettings) -> list[ProxyPlugin]:
        """What refuses clients that are not subscribed; nothing where the route is open to all of them."""
        if route.access == "open":
            return []
        portal = f"{self._public_url}/portal/subscriptions" if self._settings.portal.enabled else ""
        guard = partial(SubscriptionGuard, route.api_name, portal)
        return [self._plugin_set.built_in(guard, f"{plugin_place(route)} access")]

    def _mcp_guard(self, route: RouteSettings) -> list[ProxyPlugin]:
        """What judges the messages of an MCP server. It comes last: no plugin changes them after it."""
        settings = route.mcp
        if settings is None:
            return []
        rules = ToolRules(
            {name: frozenset(scopes) for name, scopes in settings.tools.items()}, frozenset(settings.default)
        )
        guard = partial(McpGuard, rules, settings.limits, settings.max_body)
        return [self._plugin_set.built_in(guard, f"{plugin_place(route)} mcp")]

    def _destination(self, route: RouteSettings, name: str | None) -> dict[str, Any]:
        """The fields of a route that depend on its upstream."""
        if name is None:
            return {"upstream": NoUpstream(), "upstream_name": "", "base_path": b""}
        upstream, configured = self._upstreams[name], self._configured[name]
        host = configured.host_header
        return {
            "upstream": upstream,
            "upstream_name": name,
            "base_path": base_path(upstream),
            "host_header": None if host is None else host.encode(),
            "upstream_names": UpstreamNames(_prefix(route), base_path(upstream), self._server_names[name])
            if route.rewrite_answers
            else None,
            "upstream_credentials": None
            if configured.auth is None
            else configured.auth.header_name.lower().encode(),
            "sticky": self._sticky(name, configured, upstream),
            "hash_rule": hash_rule(configured.hash_by) if configured.balance == "hash" else None,
        }

    def _mirror(self, route: str, settings: MirrorSettings | None) -> Mirror | None:
        if settings is None:
            return None
        upstream = self._upstreams[settings.upstream]
        host = self._configured[settings.upstream].host_header
        target = MirrorTarget(upstream, base_path(upstream), None if host is None else host.encode())
        dropped = partial(self._mirror_dropped, route)
        return Mirror(target, settings.percent, settings.max_body, dropped=dropped)

    def _sticky(self, name: str, configured: UpstreamConfig, upstream: Upstream) -> StickySessions | None:
        if configured.sticky is None:
            return None
        return StickySessions(
            configured.sticky.cookie,
            name,
            lambda: configured_keys(self._settings).derive("sticky sessions")[0],
            lambda: (server.name for server in upstream.servers),
        )

    def metadata_url(self, route: RouteSettings) -> str:
        """RFC 9728 section 3.1: the well-known path is inserted between the host and the route's path."""
        parts = urlsplit(origin(self._public_url, literal_host(route.host)))
        path = parts.path + resource_path(route.path)
        return f"{parts.scheme}://{parts.netloc}{RESOURCE_METADATA}{path}"


def _client_networks(settings: Settings) -> list[ProxyPlugin]:
    """The hook that refuses clients outside their networks; none where no client has any."""
    networks = {client.id: client.networks for client in giving_way(settings.clients) if client.networks}
    return [ClientNetworks(networks, PluginContext(system_clock))] if networks else []


def resource_path(path: str) -> str:
    """A route's path as used in its resource identifier and after the well-known path.

    Of a template it is the part before the first `{name}`: a client knows no other name for the resource.
    """
    literal = literal_prefix(path)
    return "" if literal == "/" else quote(literal, safe="/%")


def forwards_token(settings: RouteSettings) -> bool:
    """Whether Authorization is forwarded upstream; by default only on routes without authentication."""
    return settings.auth == "none" if settings.forward_token is None else settings.forward_token


def literal_host(host: str | None) -> str | None:
    """A route's host, or None if it has none or a wildcard."""
    return None if host is None or host.startswith("*") else host


def accepted_issuers(settings: RouteSettings) -> frozenset[str]:
    """The issuers whose tokens a route accepts."""
    if not settings.issuers and settings.own_tokens:
        return OWN_ONLY
    return frozenset(settings.issuers) | (OWN_ONLY if settings.own_tokens else frozenset())


def plugin_place(settings: RouteSettings) -> str:
    """A name unique to this route and independent of other routes: plugins key their state by it."""
    methods = ",".join(settings.methods or ("*",))
    where = f" where {settings.conditions}" if settings.where is not None else ""
    return f"{settings.host or '*'}{settings.path} {settings.match} {methods}{where}"


def origin(public_url: str, host: str | None) -> str:
    """The origin of a route as clients see it: `public_url`, with the route's host if it has one."""
    if host is None:
        return public_url
    parts = urlsplit(public_url)
    name = "*" if host.startswith("*.") else host
    return f"{parts.scheme}://{name}" + (f":{parts.port}" if parts.port else "")


def base_path(upstream: Upstream) -> bytes:
    """The path prefix of an upstream's URL."""
    url = upstream.settings.servers[0].url
    return b"" if url.startswith("unix:") else urlsplit(url).path.rstrip("/").encode()


def _prefix(settings: RouteSettings) -> bytes:
    """What `strip_prefix` cuts off; empty: nothing."""
    return settings.path.encode() if settings.strips and settings.path != "/" else b""


def _header_names(names: Collection[str]) -> frozenset[bytes]:
    return frozenset([name.encode() for name in names]) if names else NO_HEADERS


def _server_names(upstream: Upstream) -> frozenset[bytes]:
    addresses = (parse_server_address(server.url) for server in upstream.settings.servers)
    names = (f"{address}".partition("://")[2] for address in addresses if address.socket is None)
    return frozenset(name.lower().encode() for name in names)


def route_table(
    settings: Settings,
    upstreams: Mapping[str, Upstream],
    plugin_set: PluginSet,
    mirror_dropped: MirrorDropped = not_counted,
    tracer: Tracer | None = None,
) -> RouteTable:
    """The table of all enabled routes."""
    compiler = RouteCompiler(settings, upstreams, plugin_set, mirror_dropped, tracer)
    routes = (compiler.route(route) for route in giving_way(settings.routes) if route.enabled)
    return RouteTable(routes, settings.paths)
