"""Which route takes a request: by host, then by the longest path, then by method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.exchange import RequestHead
from gateway.faults import NO_ROUTE, WRONG_METHOD, Fault
from gateway.oauth.values import OWN_ONLY
from gateway.proxy.canary import Canary
from gateway.proxy.target import path_segments


@dataclass(slots=True, frozen=True, eq=False)
class Route:
    """A route as gateway.yaml has it, with all worked out that a request need not work out."""

    path: str
    """As configured; also its name in logs and counts."""
    segments: tuple[str, ...]
    exact: bool
    methods: tuple[str, ...]
    """Empty: all."""
    host: str | None
    """`api.example.org`, `*.example.org`, or None: any."""
    upstream: Any
    """What the requests go to; the pipeline does not look inside."""
    upstream_name: str
    strip: int
    """How many leading segments do not go upstream."""
    base_path: bytes
    """What is put before the path that goes upstream; empty or without a slash at its end."""
    scopes: frozenset[str]
    scope_text: str
    """The scopes as a challenge names them."""
    audience: str | None
    protected: bool
    """Whether a token is needed."""
    forward_token: bool
    end_with_token: bool
    """Whether a tunnel ends when its token does."""
    metadata_url: str
    """Where RFC 9728's metadata of this route stands."""
    issuers: frozenset[str] = OWN_ONLY
    """Whose tokens are accepted, by their names in gateway.yaml; the gateway's own are `OWN`."""
    origin: str = ""
    """`server.public_url` with the route's own host, if it has one: what a DPoP proof must name. Of a host
    such as *.example.org, `*` stands for the name that is asked for."""
    pipeline: Any = None
    """The compiled hooks (`gateway.proxy.pipeline.Pipeline`)."""
    host_header: bytes | None = None
    """The Host that goes upstream; None: the caller's."""
    key_rule: Any = None
    """What the server is chosen by (`gateway.proxy.destination.KeyRule`); None: not by the request."""
    canary: Canary | None = None
    """Takes a share of the requests."""


def segments_of(path: str) -> tuple[str, ...]:
    """The decoded segments of a configured path. `/` has none: it is a prefix of every path."""
    return path_segments(path.encode()) if path != "/" else ()


def request_uri(route: Route, request: RequestHead) -> str:
    """The URI of a request as its caller knows it, without query. Where routes have no host of their own,
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
            target = b"/" + query
            break
        target = target[cut:]
    return route.base_path + target if route.base_path else target


@dataclass(slots=True)
class _Node:
    """One segment in the tree of paths."""

    children: dict[str, _Node] = field(default_factory=dict)
    prefix: dict[str, Route] = field(default_factory=dict)
    exact: dict[str, Route] = field(default_factory=dict)


_ANY = "*"


class RouteTable:
    """All routes, found in as many steps as the path has segments, however many routes there are."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._any_host = _Node()
        self._hosts: dict[str, _Node] = {}
        self._suffixes: dict[str, _Node] = {}
        for route in routes:
            self._add(route)

    def match(self, request: RequestHead, method: str | None = None) -> Route:
        """The route that takes the request, or that would take it with another `method`.

        Raises:
            Fault: 404 where no path matches, 405 where one does but not for this method.
        """
        found = self._found(request)
        if not found:
            raise Fault(NO_ROUTE)
        route = found.get(method or request.method) or found.get(_ANY)
        if route is None:
            # RFC 9110 section 15.5.6: a 405 must say in Allow which methods there are.
            raise Fault(WRONG_METHOD, headers=[(b"Allow", ", ".join(found).encode())])
        return route

    def _found(self, request: RequestHead) -> dict[str, Route] | None:
        """The methods at the longest path, of the nearest host that has one."""
        if not self._hosts and not self._suffixes:
            return _longest(self._any_host, request.segments)
        for tree in self._trees(request.host):
            found = _longest(tree, request.segments)
            if found:
                return found
        return None

    def _trees(self, host: str) -> list[_Node]:
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        name = name.rstrip(".")
        trees = [self._hosts[name]] if name in self._hosts else []
        rest = name
        while "." in rest:
            rest = rest.partition(".")[2]
            if rest in self._suffixes:
                trees.append(self._suffixes[rest])
        return [*trees, self._any_host]

    def _add(self, route: Route) -> None:
        node = self._tree_of(route.host)
        for segment in route.segments:
            node = node.children.setdefault(segment, _Node())
        methods = node.exact if route.exact else node.prefix
        for method in route.methods or (_ANY,):
            methods[method] = route

    def _tree_of(self, host: str | None) -> _Node:
        if host is None:
            return self._any_host
        if host.startswith("*."):
            return self._suffixes.setdefault(host[2:].lower(), _Node())
        return self._hosts.setdefault(host.lower(), _Node())


def _longest(node: _Node, segments: tuple[str, ...]) -> dict[str, Route] | None:
    """The methods at the longest path that matches."""
    best = node.prefix
    for segment in segments:
        below = node.children.get(segment)
        if below is None:
            return best
        node = below
        best = node.prefix or best
    return node.exact or best
