"""Paths of a route: its segments, a request's URI, and the target that goes upstream."""

from __future__ import annotations

from gateway.http.exchange import RequestHead
from gateway.http.path_readings import MARK, RouteSegments, mark_templates, segments_as_they_stand
from gateway.http.route import Route


def segments_of(path: str) -> tuple[str, ...]:
    """The decoded segments of a configured path. `/` has none: it is a prefix of every path."""
    return segments_as_they_stand(path.encode()) if path != "/" else ()


def route_segments(path: str) -> RouteSegments:
    """The decoded segments of a route's path; None for `{name}`. `/` has none."""
    return tuple(None if segment == MARK else segment for segment in segments_of(mark_templates(path)))


def literal_prefix(path: str) -> str:
    """A route's path up to its first `{name}`: `/orders` of `/orders/{id}/invoices`."""
    literal, mark, _ = mark_templates(path).partition("/" + MARK)
    return literal or "/" if mark else path


def request_uri(route: Route, request: RequestHead) -> str:
    """The URI of a request as its client knows it, without query. Where routes have no host of their own,
    Host has no part in it: it could say whatever suits a stolen proof."""
    origin = route.origin.replace("*", request.host.partition(":")[0])
    return origin + request.path.decode("latin-1")


def upstream_target(route: Route, request: RequestHead) -> bytes:
    """The path and query that go upstream: as they came, but for `strip_prefix` and the base path."""
    target = request.target
    for _ in range(route.strip):
        cut = target.find(b"/", 1)
        if cut < 0 or cut >= len(request.path) + len(target) - len(request.target):
            query = b"" if request.query is None else b"?" + request.query
            # An MCP server has one path. A slash makes it another one, and clients follow no redirect.
            target = (b"" if route.mcp and route.base_path else b"/") + query
            break
        target = target[cut:]
    if not route.base_path:
        return target
    return route.base_path + (target[1:] if route.mcp and request.path == b"/" else target)
