"""`where` of a route: headers and query parameters that a request must have.

A condition decides which route takes a request, so it must be read in one way only. A header or parameter
that is given twice with different values, or in a spelling that upstreams take for it, is refused with 400:
the upstream could read another value than was checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from gateway.http.exchange import RequestHead
from gateway.http.header_names import name_spelling
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.http.route import HEADER, QUERY, ConditionName, RouteConditions

# Fetch standard, section 2.2.2: a browser sends these without naming them in its preflight.
_SAFELISTED: Final = frozenset({"accept", "accept-language", "content-language", "content-type", "range"})


def route_conditions(headers: Mapping[str, str], query: Mapping[str, str]) -> RouteConditions:
    """The conditions as configured. Header names are case-insensitive (RFC 9110 section 5.1)."""
    pairs = {(HEADER, name.lower()): value for name, value in headers.items()}
    pairs |= {(QUERY, name): value for name, value in query.items()}
    names = tuple(sorted(pairs))
    return RouteConditions(names, tuple(pairs[name] for name in names))


def condition_value(request: RequestHead, condition: ConditionName) -> str | None:
    """The request's value for a condition; None: it has none.

    Raises:
        Problem: 400 where upstreams could read different values.
    """
    kind, name = condition
    values = _header_values(request, name) if kind == HEADER else _query_values(request, name)
    if len(values) > 1:
        raise Problem(BAD_REQUEST, f"The {kind} {name} decides the route and has more than one value.")
    return next(iter(values), None)


def preflight_names(request: RequestHead) -> frozenset[str]:
    """The headers, in lower case, that the request behind a CORS preflight may have, with any value."""
    listed = request.header("access-control-request-headers") or ""
    return _SAFELISTED | {name.strip().lower() for name in listed.split(",")}


def _header_values(request: RequestHead, name: str) -> set[str]:
    spelling = name_spelling(name.encode())
    values = set()
    for key, value in request.headers:
        if len(key) < len(name) or name_spelling(key.lower()) != spelling:
            continue
        if key.lower() != name.encode():
            raise Problem(BAD_REQUEST, f"The header {name}, which decides the route, is misspelled.")
        values.add(value.decode("utf-8", "surrogateescape").strip(" \t"))
    return values


def _query_values(request: RequestHead, name: str) -> set[str]:
    if not request.query:
        return set()
    pairs = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True, errors="surrogateescape")
    return {value for key, value in pairs if key == name}
