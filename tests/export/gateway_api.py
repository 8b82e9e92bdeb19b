"""Which rule takes a request, as the Gateway API says it, and Envoy Gateway where that leaves it open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
ROUTE_ID = "x-gatepost-route"
_TYPES = {"Exact": 2, "RegularExpression": 1, "PathPrefix": 0}


def taken(
    resources: Iterable[Json],
    path: str,
    *,
    method: str = "GET",
    host: str = "any.example",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    said: str = "?",
) -> tuple[str, Json] | None:
    """The name of the HTTPRoute and its rule. `said`: the route's id that Gatepost has answered with."""
    routes = [
        one
        for one in resources
        if one["kind"] == "HTTPRoute" and not one["metadata"]["name"].endswith("-redirect")
    ]
    hosts = {name for one in routes for name in one["spec"].get("hostnames", [])}
    closest = max((name for name in hosts if is_host(name, host)), key=len, default=None)
    shown = {name.lower(): value for name, value in (headers or {}).items()} | {ROUTE_ID: said}
    found: list[tuple[tuple[int, int, bool, int, int], str, Json]] = []
    for one in routes:
        own = one["spec"].get("hostnames", [])
        if (closest is None and own) or (closest is not None and closest not in own):
            continue
        found += [
            (rank(match), one["metadata"]["name"], rule)
            for rule in one["spec"]["rules"]
            for match in rule["matches"]
            if fits(match, path, method, shown, query or {})
        ]
    if not found:
        return None
    found.sort(key=lambda item: item[0], reverse=True)
    assert len(found) == 1 or found[0][0] > found[1][0], "two rules are as close as each other"
    return found[0][1], found[0][2]


def is_host(pattern: str, host: str) -> bool:
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def fits(match: Json, path: str, method: str, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
    return (
        match.get("method", method) == method
        and all(headers.get(one["name"].lower()) == one["value"] for one in match.get("headers", []))
        and all(query.get(one["name"]) == one["value"] for one in match.get("queryParams", []))
        and fits_path(match["path"], path)
    )


def fits_path(match: Json, path: str) -> bool:
    value = match["value"]
    if match["type"] == "Exact":
        return bool(path == value)
    if match["type"] == "RegularExpression":
        return re.fullmatch(value, path) is not None
    return value in ("/", path) or path.startswith(f"{value}/")


def rank(match: Json) -> tuple[int, int, bool, int, int]:
    path = match["path"]
    return (
        _TYPES[path["type"]],
        len(path["value"]),
        "method" in match,
        len(match.get("headers", [])),
        len(match.get("queryParams", [])),
    )
