"""A configuration for Envoy, which then stands before the gateway and asks it about each request."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.config.model import Settings
from gateway.config.upstreams import UpstreamConfig, UpstreamServerConfig
from gateway.export.envoy_clusters import Json, cluster, gateway_cluster
from gateway.export.envoy_listeners import certificates, listener
from gateway.export.envoy_routes import GATEWAY, ExportedRoute, exported_route, routes
from gateway.http.route import HEADER


@dataclass(frozen=True, slots=True)
class EnvoyExport:
    """What comes of gateway.yaml."""

    bootstrap: Json
    """Envoy's configuration."""
    notes: tuple[str, ...]
    """What Envoy does otherwise or not at all, in words."""


def export_envoy(settings: Settings, gateway: str) -> EnvoyExport:
    """The configuration of an Envoy that takes the gateway's place at its listeners.

    Args:
        settings: gateway.yaml.
        gateway: the URL at which Envoy reaches the gateway itself.
    """
    upstreams = _upstreams(settings)
    found = [exported_route(route, upstreams, settings.plugins) for route in settings.routes if route.enabled]
    table = list(routes(found, upstreams, settings.paths))
    server = settings.server
    shown = [name for route in settings.routes for kind, name in route.conditions.names if kind == HEADER]
    served = [one for one in server.listen if certificates(one, server) is not None]
    used = dict.fromkeys(one.settings.upstream for one in found if not one.reasons)
    clusters = [cluster(name, upstreams[name]) for name in used if name is not None]
    bootstrap = {
        "static_resources": {
            "listeners": [listener(one, server, table, shown, log=settings.logging.access) for one in served],
            "clusters": [gateway_cluster(GATEWAY, gateway), *clusters],
        }
    }
    return EnvoyExport(bootstrap, (*_notes(settings, len(served)), *map(_note, filter(_is_noted, found))))


def _upstreams(settings: Settings) -> dict[str, UpstreamConfig]:
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
    if served < len(server.listen):
        notes.append("listeners whose certificates come by ACME: left out")
    if any(
        one.client_ca is not None for listen in server.listen for one in certificates(listen, server) or ()
    ):
        notes.append("client certificates: set server.client_certificate_header to X-Forwarded-Client-Cert")
    notes.append("server.max_body and server.min_rate: not enforced by Envoy")
    return notes
