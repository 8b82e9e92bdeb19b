"""`--check lua`: a filter of Envoy that remembers for a moment whom the gateway has let in.

It keeps no rule of the gateway: requests are put together that the gateway judges alike, and the first of
them is asked about. Where requests of one place can be judged differently, each is asked about (`ext_authz`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files

from gateway.config.plugins import PluginUse
from gateway.config.routes import RouteSettings
from gateway.export.envoy_clusters import TYPE, Json
from gateway.export.envoy_routes import GATEWAY, ROUTE_ID, ExportedRoute
from gateway.http.endpoints import GatewayPaths
from gateway.http.route_target import literal_prefix

LIFE = 90
"""Milliseconds. A revoked token is refused everywhere within 100, and the gateway hears of it within some."""
NAMESPACE = "gatepost"
"""Of the metadata in which the filter says that a request is known."""
UNCHANGING = frozenset({"request_id", "ip_filter"})
"""Plugins that judge requests alike that agree in token and address."""
_PLAIN = re.compile(r"/|(/[a-z0-9_~-][a-z0-9_.~-]*)+")


def asked_for(route: RouteSettings, everywhere: Iterable[PluginUse]) -> Iterator[str]:
    """Why each request of a route is asked about, in words. `everywhere`: the plugins of all routes."""
    for use in (*everywhere, *route.plugins):
        if use.use not in UNCHANGING:
            yield f"the plugin {use.use}"
    if route.is_template:
        yield "a path with {name}"
    if route.match == "exact":
        yield "match: exact"
    if route.where is not None:
        yield "where"
    if not _PLAIN.fullmatch(place_of(route)):
        yield "a path with more than letters, digits, - . _ and ~"


def places(
    found: Iterable[ExportedRoute], everywhere: tuple[PluginUse, ...], paths: GatewayPaths
) -> dict[str, bool]:
    """Each path of a route, and whether requests below it are judged alike.

    What a route can't have, those below it can't have either: theirs may not take all methods or hosts.
    """
    routes = list(found)
    irregular = {
        place_of(one.settings) for one in routes if one.reasons or any(asked_for(one.settings, everywhere))
    }
    if not all(map(_PLAIN.fullmatch, irregular)):
        return {}
    own = (path.lower() for path in (*paths.exact, *paths.prefixes))
    known = {place_of(one.settings): not _is_below(place_of(one.settings), irregular) for one in routes}
    return known | dict.fromkeys(own, False)


def place_of(route: RouteSettings) -> str:
    """The path that requests of a route are put together by.

    Folded: a request that is put together with others has no capital letters.
    """
    return literal_prefix(route.path).lower()


def _is_below(path: str, others: set[str]) -> bool:
    return any(other in ("/", path) or path.startswith(other + "/") for other in others)


def lua_filter(known: dict[str, bool], shown: Iterable[str], granted: Iterable[str]) -> Json:
    """The filter that stands before `ext_authz`."""
    values = {
        "PLACES": _table(f"[{_text(path)}] = {str(kept).lower()}" for path, kept in sorted(known.items())),
        "SHOWN": _table(map(_text, shown)),
        "GRANTED": _table(map(_text, granted)),
        "LIFE": str(LIFE),
        "ROUTE_ID": ROUTE_ID,
        "GATEWAY": GATEWAY,
    }
    script = files("gateway.export").joinpath("kept_tokens.lua").read_text()
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    return {
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": f"{TYPE}.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": script},
        },
    }


def unless_known() -> Json:
    """When `ext_authz` asks, where the filter stands before it."""
    matcher = {"filter": NAMESPACE, "path": [{"key": "known"}], "value": {"bool_match": True}, "invert": True}
    return {"filter_enabled_metadata": matcher}


def _table(items: Iterable[str]) -> str:
    return "{ " + ", ".join(items) + " }"


def _text(value: str) -> str:
    """A string of Lua. None of the values has a quote or a backslash."""
    return f'"{value}"'
