"""The files by which Envoy is told what to do, and told anew while it runs (xDS in the file system).

cds.json            clusters: the gateway
lds.json            listeners
listener-N.json     the routes of one listener
certificate-N-M.json, authority-N-M.json    certificates, keys and CAs (SDS)
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.edge.clusters import clusters
from gateway.edge.configuration import EdgeConfiguration
from gateway.edge.listeners import listeners
from gateway.edge.routes import route_configuration
from gateway.edge.secrets import secrets
from gateway.export.envoy_clusters import Json

CLUSTERS, LISTENERS = "cds.json", "lds.json"


def resources(configuration: EdgeConfiguration, version: str) -> dict[str, Json]:
    """The content of each file by its name, in the order in which Envoy is to see them."""
    files = {f"{one['name']}.json": _response([one], version) for one in secrets(configuration)}
    for listener in configuration.listeners:
        routes = route_configuration(listener, configuration)
        files[f"{listener.name}.json"] = _response([routes], version)
    files[CLUSTERS] = _response(clusters(configuration), version)
    files[LISTENERS] = _response(listeners(configuration), version)
    return files


def no_listeners(version: str) -> dict[str, Json]:
    """For an Envoy that accepts no more."""
    return {LISTENERS: _response([], version)}


def _response(found: Iterable[Json], version: str) -> Json:
    return {"version_info": version, "resources": list(found)}
