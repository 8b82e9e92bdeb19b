"""What one path of the route table has: an endpoint of the gateway, or routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.http.exchange import RequestHead
from gateway.http.max_forwards import ALLOW
from gateway.http.route import HEADER, ConditionName, Route, RouteConditions
from gateway.http.route_conditions import condition_value, preflight_names

_ANY: Final = "*"
# RFC 9110 section 9.3.8: the response to TRACE shows the client's credentials to whoever reads it. IIS takes
# TRACK for the same.
_ONLY_WHERE_LISTED: Final = frozenset({"TRACE", "TRACK"})

Methods = Mapping[str, Route]
"""Routes by method; `*`: all that are left."""


@dataclass(frozen=True, slots=True)
class RouteQuestion:
    """Which route is looked for."""

    request: RequestHead
    method: str
    preflight: bool = False
    """Whether `request` is the CORS preflight of the one that is asked about, whose headers are known by name
    only."""


@dataclass(slots=True, eq=False)
class RoutePlace:
    """An endpoint, or routes with the same path that differ in their methods and conditions."""

    endpoint: bool = False
    unconditional: dict[str, Route] = field(default_factory=dict)
    """Those without conditions, by method."""
    _conditional: dict[tuple[ConditionName, ...], dict[tuple[str, ...], dict[str, Route]]] | None = None
    """By the names of their conditions, those with most first; by the conditions' values; by method."""

    def add(self, route: Route) -> None:
        """Adds a route. Of two with equal conditions and methods the later one counts."""
        by_method = self._with_conditions(route.where) if route.where.names else self.unconditional
        for method in route.methods or (_ANY,):
            by_method[method] = route

    def _with_conditions(self, where: RouteConditions) -> dict[str, Route]:
        found = {**(self._conditional or {})}
        by_method = found.setdefault(where.names, {}).setdefault(where.values, {})
        self._conditional = dict(sorted(found.items(), key=lambda item: -len(item[0])))
        return by_method

    def matching(self, question: RouteQuestion) -> Iterator[Methods]:
        """The routes whose conditions the request meets, those with most conditions first.

        Raises:
            Problem: 400 where it can't be told.
        """
        for names, by_values in (self._conditional or {}).items():
            if question.preflight:
                yield from _possible(question.request, names, by_values)
                continue
            values = [condition_value(question.request, name) for name in names]
            found = by_values.get(tuple([value for value in values if value is not None]))
            if found is not None:
                yield found
        if self.unconditional:
            yield self.unconditional


def _possible(
    request: RequestHead,
    names: tuple[ConditionName, ...],
    by_values: Mapping[tuple[str, ...], Methods],
) -> Iterator[Methods]:
    """What may match the request behind a preflight: the query is the same, headers are only named."""
    allowed = preflight_names(request)
    if any(kind == HEADER and name not in allowed for kind, name in names):
        return
    known = [None if name[0] == HEADER else (condition_value(request, name),) for name in names]
    for values, methods in by_values.items():
        if all(have is None or have[0] == value for have, value in zip(known, values, strict=True)):
            yield methods


def taker(methods: Methods, method: str) -> Route | None:
    """The route that takes a method; None where none does."""
    route = methods.get(method)
    if route is None and method not in _ONLY_WHERE_LISTED:
        return methods.get(_ANY)
    return route


def allowed_methods(found: list[Methods]) -> bytes:
    """RFC 9110 section 15.5.6: a 405 must say in Allow which methods there are."""
    methods = dict.fromkeys(method for one in found for method in one)
    return ALLOW if _ANY in methods else ", ".join(methods).encode()
