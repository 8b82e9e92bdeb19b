"""Routes as Envoy has them.

Which route takes a request is for the gateway to say, so that it is decided in one place: it answers each
question with the route's id, and Envoy knows what to do by the id alone.

What Envoy can't do for a route is left to the gateway, which proxies its requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.config.differences import route_id, route_name
from gateway.config.plugins import PluginUse
from gateway.config.routes import RouteSettings
from gateway.config.upstreams import UpstreamConfig
from gateway.export.envoy_clusters import TYPE, Json, duration, what_clusters_lack
from gateway.export.envoy_grpc import grpc_retry_policy, grpc_stream_limits
from gateway.http.endpoints import VERIFY, GatewayPaths
from gateway.http.route_target import literal_prefix, route_segments

GATEWAY = "gatepost"
"""The cluster that is the gateway itself."""
ROUTE_ID = "x-gatepost-route"
JUDGED = frozenset({"request_id", "rate_limit", "quota", "ip_filter"})
"""Plugins that do all that they do when the gateway judges a request."""
UNASKED: Json = {
    "envoy.filters.http.ext_authz": {
        "@type": f"{TYPE}.filters.http.ext_authz.v3.ExtAuthzPerRoute",
        "disabled": True,
    }
}
_IDEMPOTENT = "GET|HEAD|OPTIONS|PUT|DELETE|TRACE"


@dataclass(frozen=True, slots=True)
class ExportedRoute:
    """One route of gateway.yaml."""

    settings: RouteSettings
    reasons: tuple[str, ...]
    """Why the gateway proxies its requests; empty: Envoy does."""

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return route_name(self.settings)


def exported_route(
    route: RouteSettings, upstreams: Mapping[str, UpstreamConfig], everywhere: tuple[PluginUse, ...]
) -> ExportedRoute:
    """A route, and who proxies its requests. `everywhere`: the plugins of all routes."""
    return ExportedRoute(route, tuple(_reasons(route, upstreams, everywhere)))


def _reasons(
    route: RouteSettings, upstreams: Mapping[str, UpstreamConfig], everywhere: tuple[PluginUse, ...]
) -> Iterator[str]:
    if route.upstream is None:
        return
    if upstreams[route.upstream].protocol == "grpc":
        # What Envoy can't do for it can't be configured.
        return
    for use in (*everywhere, *route.plugins):
        # The id comes in the header that Envoy is told to add, and in no other.
        if use.use not in JUDGED or getattr(use.config, "header", "X-Request-Id") != "X-Request-Id":
            yield f"the plugin {use.use}"
    if route.strips and route.path != "/" and route.rewrite_answers:
        yield "rewrite_answers under strip_prefix"
    if route.token_from != ("header",):
        yield "token_from"
    for key in ("canary", "mirror", "mcp", "allow_headers", "end_with_token"):
        if getattr(route, key):
            yield key
    yield from what_clusters_lack(upstreams[route.upstream])


def routes(
    found: list[ExportedRoute], upstreams: Mapping[str, UpstreamConfig], paths: GatewayPaths
) -> Iterator[Json]:
    """All of them in the order in which Envoy looks at them."""
    for one in found:
        yield from _by_id(one, upstreams)
    # Envoy is a trusted proxy: nobody may ask through it.
    for path in paths.with_base(VERIFY):
        yield {"match": {"path_separated_prefix": path}, "direct_response": {"status": 404}, **_unasked()}
    for path in paths.exact:
        yield {"match": {"path": path}, **_to_gateway()}
    for path in paths.prefixes:
        if not path.endswith(VERIFY):
            yield {"match": _prefix(path), **_to_gateway()}
    yield from _by_path(found)
    yield {"match": {"prefix": "/"}, "direct_response": {"status": 404}}


def _by_path(found: list[ExportedRoute]) -> Iterator[Json]:
    """Requests below the paths of routes that the gateway proxies go to it; all others are asked about.

    The gateway takes whatever it gets by its own rules: one too many there does no harm.
    """
    proxied = {literal_prefix(one.settings.path) for one in found if one.reasons}
    asked = {literal_prefix(one.settings.path) for one in found} - proxied
    for path in sorted(proxied | asked, key=lambda path: (-len(route_segments(path)), path)):
        if path in proxied:
            yield {"match": _prefix(path), **_to_gateway()}
        else:
            yield {"match": _prefix(path), "direct_response": {"status": 404}}


def _by_id(one: ExportedRoute, upstreams: Mapping[str, UpstreamConfig]) -> Iterator[Json]:
    route = one.settings
    header = {"name": ROUTE_ID, "string_match": {"exact": route_id(route)}}
    if one.reasons:
        yield {"match": {"prefix": "/", "headers": [header]}, "route": {"cluster": GATEWAY, "timeout": "0s"}}
        return
    if route.upstream is None:
        yield {"match": {"prefix": "/", "headers": [header]}, "direct_response": {"status": 404}}
        return
    for match, rewrite in _rewrites(route, upstreams[route.upstream]):
        yield {"match": match | {"headers": [header]}, **_action(route, upstreams[route.upstream], rewrite)}


def _rewrites(route: RouteSettings, upstream: UpstreamConfig) -> Iterator[tuple[Json, Json]]:
    """The path that goes upstream: without the segments of `strip_prefix`, behind the path of the URL."""
    url = upstream.servers[0].url
    base = "" if url.startswith("unix:") else urlsplit(url).path.rstrip("/")
    strip = len(route_segments(route.path)) if route.strips else 0
    if not strip:
        yield {"prefix": "/"}, _regex("^(/.*)$", f"{_literal(base)}\\1") if base else {}
        return
    taken = f"(?:/[^/]*){{{strip}}}"
    yield _path_regex(f"{taken}"), _regex("^.*$", f"{_literal(base)}/")
    yield _path_regex(f"{taken}/.*"), _regex(f"^{taken}(/.*)$", f"{_literal(base)}\\1")


def _action(route: RouteSettings, upstream: UpstreamConfig, rewrite: Json) -> Json:
    """What is done with a request of the route, and with its headers."""
    added = [_header("X-Forwarded-Host", "%REQ(:AUTHORITY)%")]
    if route.strips and route.path != "/":
        added.append(_header("X-Forwarded-Prefix", route.path))
    forwards = route.auth == "none" if route.forward_token is None else route.forward_token
    credentials = [] if forwards else ["authorization", "dpop"]
    return {
        "route": route_action(route, upstream) | rewrite,
        "request_headers_to_add": added,
        "request_headers_to_remove": [ROUTE_ID, *credentials],
    }


def route_action(route: RouteSettings, upstream: UpstreamConfig) -> Json:
    """Where a request of the route goes, and how long it may take."""
    timeouts = upstream.timeouts
    action: Json = {
        "cluster": route.upstream,
        # The whole response may take as long as it likes, as long as something moves.
        "timeout": "0s",
        "idle_timeout": duration(max(timeouts.response, timeouts.idle)),
    }
    if upstream.host_header is not None:
        action["host_rewrite_literal"] = upstream.host_header
    grpc = upstream.protocol == "grpc"
    if grpc:
        action["max_stream_duration"] = grpc_stream_limits(upstream)
    if upstream.retries.attempts:
        action["retry_policy"] = grpc_retry_policy(upstream) if grpc else _retry_policy(upstream)
    return action


def _retry_policy(upstream: UpstreamConfig) -> Json:
    """Only of methods that may safely be sent again: Envoy can't tell apart why it sends again."""
    retries = upstream.retries
    names = {"connect": "connect-failure", "reset": "reset"}
    statuses = [int(on) for on in retries.on if on not in names]
    on = [names[name] for name in retries.on if name in names]
    policy: Json = {
        "retry_on": ",".join([*on, *(["retriable-status-codes"] if statuses else [])]),
        "num_retries": retries.attempts,
        "retriable_request_headers": [
            {"name": ":method", "string_match": {"safe_regex": {"regex": _IDEMPOTENT}}}
        ],
    }
    if statuses:
        policy["retriable_status_codes"] = statuses
    return policy


def _to_gateway() -> Json:
    return {"route": {"cluster": GATEWAY, "timeout": "0s"}, **_unasked()}


def _unasked() -> Json:
    return {"typed_per_filter_config": UNASKED}


def _prefix(path: str) -> Json:
    return {"prefix": "/"} if path == "/" else {"path_separated_prefix": path}


def _path_regex(regex: str) -> Json:
    return {"safe_regex": {"regex": regex}}


def _regex(regex: str, substitution: str) -> dict[str, Any]:
    return {"regex_rewrite": {"pattern": {"regex": regex}, "substitution": substitution}}


def _literal(text: str) -> str:
    """In a substitution a backslash begins a reference."""
    return text.replace("\\", "\\\\")


def _header(name: str, value: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
