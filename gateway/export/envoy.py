"""A configuration for Envoy, which then stands before the gateway and asks it about each request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.config.model import Settings
from gateway.config.upstreams import UpstreamConfig, UpstreamServerConfig
from gateway.export.envoy_clusters import TYPE, Json, cluster, gateway_cluster
from gateway.export.envoy_grpc import grpc_web_filter
from gateway.export.envoy_listeners import GRANTED, SHOWN, Served, certificates, ext_authz, listeners
from gateway.export.envoy_lua import asked_for, lua_filter, place_of, places, unless_known
from gateway.export.envoy_routes import GATEWAY, ExportedRoute, exported_route, routes
from gateway.http.route import HEADER


@dataclass(frozen=True, slots=True)
class EnvoyExport:
    """What comes of gateway.yaml."""

    bootstrap: Json
    """Envoy's configuration."""
    notes: tuple[str, ...]
    """What Envoy does otherwise or not at all, in words."""


@dataclass(frozen=True, slots=True)
class EnvoyOptions:
    """What gateway.yaml does not say."""

    gateways: tuple[str, ...]
    """The URLs at which Envoy reaches the gateways."""
    http3: bool = False
    """Whether listeners with TLS have HTTP/3 as well."""
    lua: bool = False
    """Whether Envoy remembers for a moment whom the gateway has let in."""


def export_envoy(settings: Settings, options: EnvoyOptions) -> EnvoyExport:
    """The configuration of an Envoy that takes the gateway's place at its listeners."""
    upstreams = all_upstreams(settings)
    found = [exported_route(route, upstreams, settings.plugins) for route in settings.routes if route.enabled]
    server = settings.server
    served = Served(
        server,
        routes=list(routes(found, upstreams, settings.paths)),
        filters=list(_filters(settings, found, lua=options.lua)),
        log=settings.logging.access,
        http3=options.http3,
    )
    listened = [one for one in server.for_clients if certificates(one, server) is not None]
    used = dict.fromkeys(one.settings.upstream for one in found if not one.reasons)
    clusters = [cluster(name, upstreams[name]) for name in used if name is not None]
    bootstrap = {
        "static_resources": {
            "listeners": list(_named_apart(made for one in listened for made in listeners(one, served))),
            "clusters": [gateway_cluster(GATEWAY, options.gateways), *clusters],
        },
        "overload_manager": {"resource_monitors": [_most_connections(server.max_connections)]},
    }
    notes = [*_notes(settings, len(listened)), *map(_note, filter(_is_noted, found))]
    if options.lua:
        notes += _asked_notes(settings, found)
    return EnvoyExport(bootstrap, tuple(notes))


def _named_apart(found: Iterable[Json]) -> Iterator[Json]:
    """Several may have port 0."""
    seen: Counter[str] = Counter()
    for one in found:
        seen[one["name"]] += 1
        again = seen[one["name"]]
        yield one if again == 1 else one | {"name": f"{one['name']}#{again}"}


def _most_connections(number: int) -> Json:
    kind = "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {"@type": f"{TYPE}.{kind}", "max_active_downstream_connections": number},
    }


def _filters(settings: Settings, found: list[ExportedRoute], *, lua: bool) -> Iterator[Json]:
    shown = [name for route in settings.routes for kind, name in route.conditions.names if kind == HEADER]
    if lua:
        yield lua_filter(places(found, settings.plugins, settings.paths), SHOWN, GRANTED)
    if any(settings.speaks_grpc(one.settings.upstream) for one in found):
        yield grpc_web_filter()
    yield ext_authz(shown, **(unless_known() if lua else {}))


def _asked_notes(settings: Settings, found: list[ExportedRoute]) -> Iterator[str]:
    known = places(found, settings.plugins, settings.paths)
    for one in found:
        if not one.reasons and not known.get(place_of(one.settings), False):
            reasons = [*asked_for(one.settings, settings.plugins)] or ["a route above it is"]
            yield f"route {one.name}: asked about each request: {', '.join(dict.fromkeys(reasons))}"


def all_upstreams(settings: Settings) -> dict[str, UpstreamConfig]:
    """Those with a name, and those that routes give by a URL, which is their name."""
    found = dict(settings.upstreams)
    for route in settings.routes:
        if route.upstream is not None and route.upstream not in found:
            found[route.upstream] = UpstreamConfig(servers=(UpstreamServerConfig(url=route.upstream),))
    return found


def _is_noted(route: ExportedRoute) -> bool:
    return bool(route.reasons) or route.settings.upstream is None


def _note(route: ExportedRoute) -> str:
    if route.reasons:
        return f"route {route.name}: proxied by the gateway: {', '.join(dict.fromkeys(route.reasons))}"
    return f"route {route.name}: left out: verify_only, and no upstream to send it to"


def _notes(settings: Settings, served: int) -> list[str]:
    server = settings.server
    notes = ["server.trusted_proxies must have Envoy's address, and only Envoy may reach the gateway"]
    if served < len(server.for_clients):
        notes.append("listeners whose certificates come by ACME: left out")
    if any(
        one.client_ca is not None
        for listen in server.for_clients
        for one in certificates(listen, server) or ()
    ):
        notes.append("client certificates: set server.client_certificate_header to X-Forwarded-Client-Cert")
    notes.append("server.max_body and server.min_rate: not enforced by Envoy")
    return notes
