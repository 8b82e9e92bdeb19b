"""Which route takes a request: by host, then by path, then by conditions (`where`), then by method.

Among routes whose paths match, the most specific one goes first (`gateway.proxy.route_tree`). A route whose
conditions the request does not meet is passed over. The method is asked for last: it never leads to a shorter
path, so that a route for all of `/` does not take what `/admin` refuses.

A path that upstreams could read in several ways is matched in each of them (`gateway.http.path_readings`).
"Route" means the route for the request's method, or none: a path that is no route as it stands, but is one
to an eager reader, is refused as well. The gateway's own endpoints count as routes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.http.endpoints import GatewayPaths
from gateway.http.exchange import RequestHead
from gateway.http.path_readings import (
    DOT_SEGMENTS,
    RouteSegments,
    describe_reading,
    eager_readings,
    eager_route_segments,
    has_one_reading,
    without_authority,
)
from gateway.http.problems import BAD_REQUEST, METHOD_NOT_ALLOWED, NO_ROUTE, Problem
from gateway.http.route import ConditionName, Route
from gateway.http.route_target import segments_of
from gateway.proxy.route_place import Methods, RoutePlace, RouteQuestion, allowed_methods, taker
from gateway.proxy.route_tree import Match, Places, RoutePaths
from gateway.runtime.give_way import giving_way

Taker = RoutePlace | Route
"""An endpoint of the gateway, or a route."""


@dataclass(slots=True)
class _Found:
    """What the route table has for a request in one reading of its path."""

    takers: list[Taker] = field(default_factory=list)
    """Who takes it; the first one counts. More than one where an eager reader merges their paths."""
    methods: list[Methods] = field(default_factory=list)
    """All routes for the path, if none takes the method."""

    @property
    def taker(self) -> Taker | None:
        """Who takes the request as it stands."""
        return self.takers[0] if self.takers else None

    def look_at(self, match: Match, question: RouteQuestion) -> None:
        """Adds the routes at one path. Those for this path only hide the others there."""
        self._look_at_places(match.exact, question)
        if not self.takers and not self.methods:
            self._look_at_places(match.prefix, question)

    def _look_at_places(self, places: Places, question: RouteQuestion) -> None:
        for place in places:
            if place.endpoint:
                self.takers.append(place)
                continue
            for methods in place.matching(question):
                self.methods.append(methods)
                route = taker(methods, question.method)
                if route is not None:
                    self.takers.append(route)
                    break


class RouteTable:
    """All routes, found in as many steps as the path has segments, however many routes there are."""

    def __init__(self, routes: Iterable[Route], own: GatewayPaths | None = None) -> None:
        """`own` are the paths that no route can take."""
        own, routes = own or GatewayPaths(), list(routes)
        readings = [(_as_it_stands(route), eager_route_segments(route.path)) for route in giving_way(routes)]
        self._trust_plain_paths = all(path == eager for path, eager in giving_way(readings))
        """Whether no route's own path has another reading: then a plain path needs no second look. Else even
        `/admin` could be the `/Admin` of an upstream that ignores case."""
        one_reading = self._trust_plain_paths and all(route.case_sensitive for route in giving_way(routes))
        self._as_it_stands = RoutePaths()
        self._eager = self._as_it_stands if one_reading else RoutePaths()
        """Routes as an eager reader finds them. Where all read the same, they are kept once."""
        for exact, paths in ((True, own.exact), (False, own.prefixes)):
            for path in paths:
                place = RoutePlace(endpoint=True)
                self._as_it_stands.add_endpoint(segments_of(path), place, exact=exact)
                self._eager.add_endpoint(eager_route_segments(path), place, exact=exact)
        self.condition_names: frozenset[ConditionName] = frozenset()
        """What the routes' conditions look at."""
        places: dict[object, RoutePlace] = {}
        for route, (segments, eager) in giving_way(zip(routes, readings, strict=True)):
            self._add(route, segments, eager, places)
        self._literal = self._as_it_stands.literal
        """Whether there are only literal paths without conditions: then the first match decides."""

    def match(self, request: RequestHead, method: str | None = None, *, preflight: bool = False) -> Route:
        """The route that takes the request, or that would take it with another `method`.

        `preflight`: the request is a browser's question whether it may send one with that method. It does not
        have the headers of that one.

        Raises:
            Problem: 400 where another reading of the path leads elsewhere, 404 where no path matches or it is
                an endpoint's, 405 where one does but not for this method.
        """
        if self._literal and self._has_one_reading(request):
            route = self._literal_route(request, method or request.method)
            if route is not None:
                return route
        found = self._find(RouteQuestion(request, method or request.method, preflight))
        if isinstance(found.taker, Route):
            return found.taker
        if not found.methods:
            raise Problem(NO_ROUTE)
        raise Problem(METHOD_NOT_ALLOWED, headers=[(b"Allow", allowed_methods(found.methods))])

    def _literal_route(self, request: RequestHead, method: str) -> Route | None:
        """The same as `_find` has, in fewer steps; None: not here."""
        for matches in self._as_it_stands.find(request.host, request.segments):
            for match in matches:
                place = (match.exact or match.prefix)[0]
                return None if place.endpoint else taker(place.unconditional, method)
        return None

    def is_endpoint(self, request: RequestHead) -> bool:
        """Whether the gateway answers the request itself. The endpoints' own requests are asked about, too.

        Raises:
            Problem: 400 where another reading of the path leads elsewhere.
        """
        return isinstance(self._find(RouteQuestion(request, request.method)).taker, RoutePlace)

    def other_reading(self, request: RequestHead) -> str | None:
        """Which reading of the path leads to another route or has a dot segment; None: none does."""
        if self._has_one_reading(request):
            return None
        question = RouteQuestion(request, request.method)
        return self._difference(question, _find(self._as_it_stands, request.segments, question).taker)

    def _find(self, question: RouteQuestion) -> _Found:
        """What the path has as it stands."""
        request = question.request
        found = _find(self._as_it_stands, request.segments, question)
        taken = found.taker
        if self._has_one_reading(request) or (isinstance(taken, Route) and taken.pass_ambiguous_paths):
            return found
        difference = self._difference(question, taken)
        if difference is not None:
            raise Problem(BAD_REQUEST, f"The path is ambiguous: {difference}.")
        return found

    def _has_one_reading(self, request: RequestHead) -> bool:
        return self._trust_plain_paths and has_one_reading(request.path)

    def _difference(self, question: RouteQuestion, taken: Taker | None) -> str | None:
        path = question.request.path
        for segments in eager_readings(path):
            if not DOT_SEGMENTS.isdisjoint(segments):
                return f"{describe_reading(path)}, it has a dot segment"
            if self._leads_elsewhere(segments, question, taken):
                return f"{describe_reading(path)}, it leads to another route"
        if isinstance(taken, Route) and not taken.base_path:
            rest = without_authority(path, taken.strip)
            if rest is not None and any(
                self._leads_elsewhere(segments, question, taken) for segments in eager_readings(rest)
            ):
                return "read with the segment behind // taken for a host, it leads to another route"
        return None

    def _leads_elsewhere(
        self, segments: tuple[str, ...], question: RouteQuestion, taken: Taker | None
    ) -> bool:
        others = set(_find(self._eager, segments, question).takers)
        return others != ({taken} if taken is not None else set())

    def _add(
        self, route: Route, segments: RouteSegments, eager: RouteSegments, places: dict[object, RoutePlace]
    ) -> None:
        host = None if route.host is None else route.host.lower()
        fold = not route.case_sensitive
        place = places.setdefault((host, segments, route.exact, fold), RoutePlace())
        last = not route.where.names
        self.condition_names |= frozenset(route.where.names)
        self._as_it_stands.add(host, segments, place, exact=route.exact, fold=fold, last=last)
        if self._eager is not self._as_it_stands:
            self._eager.add(host, eager, place, exact=route.exact, fold=False, last=last)
        place.add(route)


def _as_it_stands(route: Route) -> RouteSegments:
    """The segments of a route's path, in lower case where case does not matter."""
    if route.case_sensitive:
        return route.segments
    return tuple(None if segment is None else segment.casefold() for segment in route.segments)


def _find(paths: RoutePaths, segments: tuple[str, ...], question: RouteQuestion) -> _Found:
    """The routes of the first path that has any whose conditions hold.

    Paths that match as many segments count as one: of `GET /orders/{id}` and `POST /orders/export`, the first
    takes `GET /orders/export`.
    """
    for matches in paths.find(question.request.host, segments):
        found, length = _Found(), 0
        for match in matches:
            if found.methods and match.length != length:
                break
            length = match.length
            level = _Found()
            level.look_at(match, question)
            found.methods += level.methods
            found.takers = level.takers
            if found.takers:
                break
        if found.takers or found.methods:
            return found
    return _Found()
