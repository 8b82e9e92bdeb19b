"""Routes: each can be reached, goes somewhere, and keeps what it promises."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings
from gateway.config.paths import path_segments
from gateway.config.problem import KeyPath
from gateway.config.routes import RouteSettings, is_url
from gateway.endpoints import INTROSPECT, JWKS, PORTAL, RESOURCE_METADATA, REVOKE, SERVER_METADATA, TOKEN

ENDPOINTS = frozenset(
    path_segments(path)
    for path in (TOKEN, REVOKE, INTROSPECT, JWKS, SERVER_METADATA, RESOURCE_METADATA, PORTAL)
)
WITH_ALL_BENEATH = tuple(path_segments(path) for path in (RESOURCE_METADATA, PORTAL))
MATCHING = ("path", "match", "host", "methods", "enabled")


def upstreams_there(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """Wherever a route leads is a URL, or there is an upstream of that name."""
    for path, upstream in _destinations(settings):
        if not is_url(upstream) and upstream not in surroundings.upstreams:
            yield Finding(
                path,
                "there is no upstream of this name",
                depends=(("upstreams",),) if not surroundings.upstreams else (),
                wrong=upstream,
                right=tuple(sorted(surroundings.upstreams)),
            )


def canaries_differ(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """A canary leads to another upstream than its route."""
    for index, route in enumerate(settings.routes):
        if route.canary is not None and route.canary.upstream == route.upstream:
            path: KeyPath = ("routes", index, "canary", "upstream")
            own: KeyPath = ("routes", index, "upstream")
            yield Finding(path, "has no effect: it is the route's own upstream", depends=(own,))


def none_twice(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No route takes what an earlier one has taken already. One that is switched off takes nothing."""
    earlier: dict[object, list[int]] = {}
    for index, route in enumerate(settings.routes):
        if not route.enabled:
            continue
        same = earlier.setdefault((route.host, path_segments(route.path), route.match), [])
        before = next((other for other in same if _share_methods(settings.routes[other], route)), None)
        if before is not None:
            yield Finding(
                ("routes", index),
                "can't be reached: an earlier route has this path and a method of this one",
                first=("routes", before),
                depends=(*_matching(index), *_matching(before)),
            )
        same.append(index)


def endpoints_free(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No route has the path of an endpoint of the gateway, which would never let it through."""
    for index, route in enumerate(settings.routes):
        segments = path_segments(route.path)
        beneath = any(segments[: len(own)] == own for own in WITH_ALL_BENEATH)
        if segments in ENDPOINTS or beneath:
            text = "can't be reached: the gateway answers this path itself"
            yield Finding(("routes", index, "path"), text)


def open_means_open(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """A route that asks for no token can't ask for a token's scopes, audience or issuer."""
    for index, route in enumerate(settings.routes):
        if route.auth != "none":
            continue
        for key in ("scopes", "audience", "issuers"):
            if getattr(route, key):
                yield Finding(
                    ("routes", index, key), "has no effect, since auth is none: nobody needs a token"
                )


def _destinations(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    for index, route in enumerate(settings.routes):
        yield ("routes", index, "upstream"), route.upstream
        if route.canary is not None:
            yield ("routes", index, "canary", "upstream"), route.canary.upstream


def _share_methods(one: RouteSettings, other: RouteSettings) -> bool:
    return one.methods is None or other.methods is None or not set(one.methods).isdisjoint(other.methods)


def _matching(index: int) -> tuple[KeyPath, ...]:
    return tuple(("routes", index, key) for key in MATCHING)
