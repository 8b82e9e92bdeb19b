"""Checks that no route takes what another one has: two routes for the same requests are an error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.routes import RouteSettings
from gateway.http.path_readings import RouteSegments
from gateway.http.route import ConditionName
from gateway.http.route_target import route_segments
from gateway.runtime.give_way import giving_way

_MATCHING = ("path", "match", "host", "methods", "enabled", "where", "case_sensitive")
_TAKEN = "can't be reached: an earlier route has this path and a method of this one"
_TAKEN_WHERE = "can't be reached: an earlier route has this path, these conditions and a method of this one"
_TIE = (
    "ties with an earlier route of this path: a request can meet the conditions of both, and neither has "
    "more of them"
)


def none_twice(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """For every request one route goes before all others."""
    places: dict[object, list[int]] = {}
    for index, route in enumerate(giving_way(settings.routes)):
        if route.enabled:
            places.setdefault((route.host, matched_segments(route), route.match), []).append(index)
    for indexes in giving_way(places.values()):
        ties = _ties(settings.routes, indexes) if len(indexes) > 1 else {}
        for later, earlier in sorted(ties.items()):
            yield CheckFinding(
                ("routes", later),
                _words(settings.routes[earlier], settings.routes[later]),
                first=("routes", earlier),
                depends=(*matching_keys(later), *matching_keys(earlier)),
            )


def matched_segments(route: RouteSettings) -> RouteSegments:
    """The segments by which a route is found."""
    segments = route_segments(route.path)
    if route.case_sensitive:
        return segments
    return tuple(None if segment is None else segment.casefold() for segment in segments)


def share_methods(one: RouteSettings, other: RouteSettings) -> bool:
    """Whether a method leads to both."""
    return one.methods is None or other.methods is None or not set(one.methods).isdisjoint(other.methods)


def meets_conditions(one: RouteSettings, other: RouteSettings) -> bool:
    """Whether a request that meets the conditions of `one` always meets those of `other`."""
    return _pairs(one) >= _pairs(other)


def matching_keys(index: int) -> tuple[KeyPath, ...]:
    """The keys that say what a route matches."""
    return tuple(("routes", index, key) for key in _MATCHING)


def _words(earlier: RouteSettings, later: RouteSettings) -> str:
    if _pairs(earlier) != _pairs(later):
        return _TIE
    return _TAKEN_WHERE if later.where is not None else _TAKEN


def _pairs(route: RouteSettings) -> set[tuple[ConditionName, str]]:
    where = route.conditions
    return set(zip(where.names, where.values, strict=True))


def _ties(routes: Sequence[RouteSettings], indexes: Sequence[int]) -> dict[int, int]:
    """For routes of one path: each that ties with an earlier one, and the first such.

    Routes are compared by the values of the conditions that they share, so that thousands of them with other
    values cost no more than a look at each.
    """
    by_names: dict[tuple[ConditionName, ...], list[int]] = {}
    for index in indexes:
        by_names.setdefault(routes[index].conditions.names, []).append(index)
    found: dict[int, int] = {}
    for one, other in combinations_with_replacement(by_names, 2):
        if len(one) != len(other):
            continue
        common = frozenset(one) & frozenset(other)
        by_values: dict[object, list[int]] = {}
        for index in by_names[one]:
            by_values.setdefault(_values(routes[index], common), []).append(index)
        for index in by_names[other]:
            for rival in by_values.get(_values(routes[index], common), ()):
                if rival != index and share_methods(routes[index], routes[rival]):
                    earlier, later = sorted((index, rival))
                    found[later] = min(earlier, found.get(later, earlier))
                    break
    return found


def _values(route: RouteSettings, names: frozenset[ConditionName]) -> tuple[str, ...]:
    where = route.conditions
    return tuple(value for name, value in zip(where.names, where.values, strict=True) if name in names)
