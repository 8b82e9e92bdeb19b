"""Checks of `routes`: reachable, with an existing upstream and consistent options."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.route_conflicts import (
    matched_segments,
    matching_keys,
    meets_conditions,
    share_methods,
)
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.routes import RouteSettings, is_url
from gateway.http.endpoints import GatewayPaths
from gateway.http.path_readings import RouteSegments, eager_route_segments
from gateway.http.route_target import route_segments, segments_of
from gateway.http.token_sources import token_sources
from gateway.runtime.give_way import giving_way

_AMBIGUOUS = (
    "can't be reached: upstreams that ignore case or ; parameters read it as {}, so its requests are refused "
    "unless it has ambiguous_paths: pass"
)


def upstreams_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """Upstreams of routes and canaries are URLs or defined names."""
    for path, upstream in _destinations(settings):
        if not is_url(upstream) and upstream not in context.upstreams:
            yield CheckFinding(
                path,
                "there is no upstream of this name",
                depends=(("upstreams",),) if not context.upstreams else (),
                invalid=upstream,
                valid=tuple(sorted(context.upstreams)),
            )


def canaries_differ(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """A canary's upstream differs from that of its route."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.canary is not None and route.canary.upstream == route.upstream:
            path: KeyPath = ("routes", index, "canary", "upstream")
            own: KeyPath = ("routes", index, "upstream")
            yield CheckFinding(path, "has no effect: it is the route's own upstream", depends=(own,))


def mirrors_differ(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Copies don't go to the route's own upstream: it would do everything twice."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.mirror is not None and route.mirror.upstream == route.upstream:
            path: KeyPath = ("routes", index, "mirror", "upstream")
            text = "must be another one: the route's own upstream would get each request twice"
            yield CheckFinding(path, text, depends=(("routes", index, "upstream"),))


def verified_only(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """With `verify_only` nothing goes upstream, and no body is seen."""
    for index, route in enumerate(giving_way(settings.routes)):
        if not route.verify_only:
            continue
        depends: tuple[KeyPath, ...] = (("routes", index, "verify_only"),)
        for key in ("canary", "mirror"):
            if getattr(route, key) is not None:
                text = "has no effect: verify_only is true, so nothing goes upstream"
                yield CheckFinding(("routes", index, key), text, depends=depends)
        if route.mcp is not None:
            text = "can't be judged: verify_only is true, so messages are not seen"
            yield CheckFinding(("routes", index, "mcp"), text, depends=depends)
        if route.end_with_token:
            text = "has no effect: verify_only is true, so nothing that is sent can be ended"
            yield CheckFinding(("routes", index, "end_with_token"), text, depends=depends)


def endpoints_free(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Routes don't shadow the gateway's own endpoints, which take precedence."""
    endpoints, prefixes = _endpoints(settings.paths), _prefixes(settings.paths)
    for index, route in enumerate(giving_way(settings.routes)):
        segments = route_segments(route.path)
        if segments in endpoints or _beneath(segments, prefixes):
            text = "can't be reached: the gateway answers this path itself"
            yield CheckFinding(("routes", index, "path"), text)


def one_reading_each(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Paths that lenient upstreams read as another route's are rejected: all requests would be ambiguous."""
    endpoints, prefixes = _endpoints(settings.paths), _prefixes(settings.paths)
    eager = [eager_route_segments(route.path) for route in giving_way(settings.routes)]
    same: dict[object, list[int]] = {}
    for index, route in enumerate(giving_way(settings.routes)):
        if route.enabled:
            same.setdefault((route.host, eager[index], route.match), []).append(index)
    spellings = {
        place: len({matched_segments(settings.routes[index]) for index in indexes}) > 1
        for place, indexes in giving_way(same.items())
    }
    for index, route in enumerate(giving_way(settings.routes)):
        if (
            not route.enabled
            or route.ambiguous_paths == "pass"
            or _beneath(route_segments(route.path), prefixes)
        ):
            continue
        if _beneath(eager[index], prefixes) or _only_endpoint(route, eager[index], endpoints):
            yield CheckFinding(("routes", index, "path"), _AMBIGUOUS.format("an endpoint's"))
            continue
        others = same[route.host, eager[index], route.match]
        for other in others if spellings[route.host, eager[index], route.match] else ():
            if _ambiguous(route, settings.routes[other]):
                yield CheckFinding(
                    ("routes", index, "path"),
                    _AMBIGUOUS.format("another route's"),
                    first=("routes", other),
                    depends=(*matching_keys(index), *matching_keys(other)),
                )
                break


def open_means_open(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Routes without authentication have no scopes, audience or issuers."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.auth != "none":
            continue
        if token_sources(route.token_from) is not None:
            text = "has no effect: auth is none, so no token is looked for"
            yield CheckFinding(("routes", index, "token_from"), text)
        for key in ("scopes", "audience", "issuers"):
            if getattr(route, key):
                yield CheckFinding(
                    ("routes", index, key), "has no effect: auth is none, so no token is required"
                )


def tools_judged(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Tools are judged by tokens, in messages that clients send with POST."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.mcp is None:
            continue
        if route.auth == "none":
            text = "needs tokens, whose scopes it judges: auth is none"
            yield CheckFinding(("routes", index, "mcp"), text, depends=(("routes", index, "auth"),))
        if route.methods is not None and "POST" not in route.methods:
            text = "has no effect: messages come with POST, which is not among the methods"
            yield CheckFinding(("routes", index, "mcp"), text, depends=(("routes", index, "methods"),))


def tools_judged_on_all_methods(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """The other methods of an MCP server's path are judged, too: lists of tools come by GET as well."""
    judged = {
        (route.host, route.path): index
        for index, route in enumerate(giving_way(settings.routes))
        if route.mcp
    }
    for index, route in enumerate(giving_way(settings.routes)):
        other = judged.get((route.host, route.path))
        if other is not None and route.mcp is None and route.enabled and settings.routes[other].enabled:
            text = "has no mcp: tools that come by its methods are not judged"
            yield CheckFinding(("routes", index), text, first=("routes", other, "mcp"))


def prefix_header_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """X-Forwarded-Prefix can't be in allow_headers where the gateway sets it."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.strips and "x-forwarded-prefix" in route.allow_headers:
            place = route.allow_headers.index("x-forwarded-prefix")
            text = "can't pass: under strip_prefix the gateway sets this header itself"
            yield CheckFinding(
                ("routes", index, "allow_headers", place), text, depends=(("routes", index, "strip_prefix"),)
            )


def templates_whole(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """A template's path is never removed: the upstream would not see the values of its names."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.is_template and route.strip_prefix and "strip_prefix" in route.model_fields_set:
            yield CheckFinding(
                ("routes", index, "strip_prefix"),
                "can't be true: the path has a {name}, and the upstream would not see its value",
                depends=(("routes", index, "path"),),
            )


def conditions_there(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """`where` has a condition."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.where is not None and not route.conditions.names:
            where: KeyPath = ("routes", index, "where")
            yield CheckFinding(where, "must have headers or query: it has no condition", depends=(where,))


def _destinations(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    for index, route in enumerate(giving_way(settings.routes)):
        if route.upstream is not None:
            yield ("routes", index, "upstream"), route.upstream
        if route.canary is not None:
            yield ("routes", index, "canary", "upstream"), route.canary.upstream
        if route.mirror is not None:
            yield ("routes", index, "mirror", "upstream"), route.mirror.upstream


def _endpoints(own: GatewayPaths) -> frozenset[tuple[str, ...]]:
    return frozenset(segments_of(path) for path in (*own.exact, *own.prefixes))


def _prefixes(own: GatewayPaths) -> tuple[tuple[str, ...], ...]:
    return tuple(segments_of(path) for path in own.prefixes)


def _beneath(segments: RouteSegments, prefixes: tuple[tuple[str, ...], ...]) -> bool:
    return any(segments[: len(prefix)] == prefix for prefix in prefixes)


def _only_endpoint(route: RouteSettings, eager: RouteSegments, endpoints: frozenset[tuple[str, ...]]) -> bool:
    return route.match == "exact" and eager in endpoints and route_segments(route.path) not in endpoints


def _ambiguous(route: RouteSettings, other: RouteSettings) -> bool:
    return (
        matched_segments(route) != matched_segments(other)
        and share_methods(route, other)
        and meets_conditions(route, other)
    )
