"""Checks of routes whose upstream speaks gRPC: Envoy forwards their calls, and the gateway judges heads."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.plugins import PluginUse
from gateway.config.problems import KeyPath
from gateway.config.routes import RouteSettings
from gateway.config.upstreams import SRV, UNIX, UpstreamConfig
from gateway.runtime.give_way import giving_way

PLUGINS = frozenset({"request_id", "rate_limit", "quota", "ip_filter", "cors"})
"""What judges calls by their heads alone."""
_FOR_PROXIED = ("canary", "mirror", "mcp", "allow_headers", "end_with_token")
"""Keys of routes that only the gateway's own proxy knows."""
_OF_HTTP = ("path", "expect")
"""Keys of health checks that mean nothing to gRPC's health protocol."""


def grpc_routes_forwarded(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """There is an Envoy that asks about calls."""
    server = settings.server
    own = server.forward_auth
    asked = server.trusted_proxies or own.secrets or own.tls_client_auth is not None
    if asked or any(one.at_edge for one in server.listen):
        return
    for index, route in _routes(settings):
        text = (
            "speaks gRPC, and nobody forwards its calls: they need a listener with http: [1, 2], or an Envoy"
            " that asks the gateway (gatepost export envoy), named in server.trusted_proxies or"
            " server.forward_auth"
        )
        depends: tuple[KeyPath, ...] = (("server",), ("upstreams", route.upstream or "", "protocol"))
        yield CheckFinding(("routes", index, "upstream"), text, depends=depends)


def grpc_routes_plain(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Keys of routes that Envoy can't obey, or that contradict gRPC."""
    for index, route in _routes(settings):
        for key, text in _route_problems(route):
            protocol: KeyPath = ("upstreams", route.upstream or "", "protocol")
            depends: tuple[KeyPath, ...] = (protocol, ("routes", index, "path"))
            yield CheckFinding(("routes", index, key), text, depends=depends)


def _route_problems(route: RouteSettings) -> Iterator[tuple[str, str]]:
    for key in _FOR_PROXIED:
        if getattr(route, key):
            yield key, "can't be had with an upstream that speaks gRPC: the gateway does not proxy its calls"
    if route.token_from != ("header",):
        yield "token_from", "must be [header] with an upstream that speaks gRPC"
    if route.strips and route.path != "/":
        yield "strip_prefix", "can't be true: gRPC names the method that is called by the whole path"
    if route.methods is not None and "POST" not in route.methods:
        yield "methods", "must have POST, which is the method of every call of gRPC"


def grpc_plugins_judge_heads(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Plugins of the routes, those of every route included, do all that they do when the gateway judges."""
    first = next((index for index, _route in _routes(settings)), None)
    if first is None:
        return
    found: list[tuple[KeyPath, PluginUse, int]] = [
        (("plugins", place), use, first) for place, use in enumerate(settings.plugins)
    ]
    for index, route in _routes(settings):
        found += [
            (("routes", index, "plugins", place), use, index) for place, use in enumerate(route.plugins)
        ]
    for path, use, index in found:
        if use.use not in PLUGINS:
            text = (
                f"can't be had on {settings.routes[index].path}, whose upstream speaks gRPC: the gateway sees"
                f" heads of requests alone there; {', '.join(sorted(PLUGINS))} can"
            )
            depends: tuple[KeyPath, ...] = (("routes", index, "upstream"), ("routes", index, "path"))
            yield CheckFinding((*path, "use"), text, depends=depends)


def grpc_upstreams_plain(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Keys of upstreams that Envoy can't obey, or that mean nothing to gRPC."""
    for name, upstream in settings.upstreams.items():
        if upstream.protocol == "grpc":
            depends: tuple[KeyPath, ...] = (("upstreams", name, "protocol"),)
            for path, text in _upstream_problems(upstream):
                yield CheckFinding(("upstreams", name, *path), text, depends=depends)


def _upstream_problems(upstream: UpstreamConfig) -> Iterator[tuple[KeyPath, str]]:
    yield from _server_problems(upstream)
    if upstream.balance == "hash":
        yield ("balance",), "can't be hash: protocol is grpc"
    for key in ("sticky", "auth", "adaptive_concurrency"):
        if getattr(upstream, key) is not None:
            yield (key,), "can't be had: protocol is grpc"
    if upstream.health is not None:
        for key in _OF_HTTP:
            if key in upstream.health.model_fields_set:
                yield (
                    ("health", key),
                    "has no effect: with protocol: grpc, servers are asked by grpc.health.v1",
                )


def _server_problems(upstream: UpstreamConfig) -> Iterator[tuple[KeyPath, str]]:
    for index, server in enumerate(upstream.servers):
        place: KeyPath = ("servers", index, "url")
        if server.url.startswith(SRV):
            yield place, "can't be SRV records: protocol is grpc"
        elif not server.url.startswith(UNIX) and urlsplit(server.url).path.strip("/"):
            yield place, "can't have a path: gRPC names the method that is called by the whole path"
    if len({server.url.startswith("https:") for server in upstream.servers}) > 1:
        yield ("servers",), "must be all https, or none: protocol is grpc"


def grpc_upstreams_apart(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """No canary and no mirror of a route leads to an upstream that speaks gRPC."""
    for index, route in enumerate(giving_way(settings.routes)):
        for key, other in (("canary", route.canary), ("mirror", route.mirror)):
            if other is not None and settings.speaks_grpc(other.upstream):
                path: KeyPath = ("routes", index, key, "upstream")
                yield CheckFinding(path, "speaks gRPC, which the gateway does not proxy")


def _routes(settings: Settings) -> Iterator[tuple[int, RouteSettings]]:
    return (
        (index, route)
        for index, route in enumerate(giving_way(settings.routes))
        if settings.speaks_grpc(route.upstream)
    )
