"""An exported configuration as the resources that Envoys subscribe to.

Routes and certificates are resources of their own: when they change, listeners keep their connections.
Files are sent along, because Envoys run elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from gateway.export.envoy_clusters import SYSTEM_CAS, Json

_PREFIX = "type.googleapis.com/envoy."
SECRET = f"{_PREFIX}extensions.transport_sockets.tls.v3.Secret"
CLUSTER = f"{_PREFIX}config.cluster.v3.Cluster"
LISTENER = f"{_PREFIX}config.listener.v3.Listener"
ROUTES = f"{_PREFIX}config.route.v3.RouteConfiguration"
ORDER = (SECRET, CLUSTER, LISTENER, ROUTES)
"""What refers to something comes after it."""
_ADS: Json = {"ads": {}, "resource_api_version": "V3"}


@dataclass(frozen=True, slots=True)
class XdsResource:
    """One resource."""

    value: Json
    version: str
    """The same for the same value, whichever process serves it."""


Resources = Mapping[str, Mapping[str, XdsResource]]
"""By type and name."""


def xds_resources(bootstrap: Json, read: Callable[[str], str]) -> Resources:
    """The resources that a static configuration consists of.

    Args:
        bootstrap: what `gateway.export.envoy.export_envoy` has made.
        read: reads a file.

    Raises:
        OSError: a file can't be read.
    """
    static = deepcopy(bootstrap["static_resources"])
    found: dict[str, dict[str, Json]] = {kind: {} for kind in ORDER}
    for kind, key in ((CLUSTER, "clusters"), (LISTENER, "listeners")):
        for one in static[key]:
            for context in _tls_contexts(one):
                found[SECRET] |= _take_secrets(context, read)
            _inline_files(one, read)
            found[kind][one["name"]] = one
    for listener in found[LISTENER].values():
        found[ROUTES] |= _take_routes(listener)
    return {kind: {name: _resource(one) for name, one in values.items()} for kind, values in found.items()}


def _resource(value: Json) -> XdsResource:
    return XdsResource(value, sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16])


def _take_routes(listener: Json) -> dict[str, Json]:
    (chain,) = listener["filter_chains"]
    config = chain["filters"][0]["typed_config"]
    name = listener["name"]
    routes = {"name": name, **config.pop("route_config")}
    config["rds"] = {"config_source": _ADS, "route_config_name": name}
    return {name: routes}


def _take_secrets(context: Json, read: Callable[[str], str]) -> dict[str, Json]:
    found = {}
    for one in context.pop("tls_certificates", ()):
        name = one["certificate_chain"]["filename"]
        found[name] = {"name": name, "tls_certificate": _with_files(one, read)}
    if found:
        context["tls_certificate_sds_secret_configs"] = [{"name": name, "sds_config": _ADS} for name in found]
    return found


def _tls_contexts(value: Any) -> Iterator[Json]:
    if isinstance(value, dict) and "common_tls_context" in value:
        yield value["common_tls_context"]
    for member in _members(value):
        yield from _tls_contexts(member)


def _inline_files(value: Any, read: Callable[[str], str]) -> None:
    for member in _members(value):
        _inline_files(member, read)
    if isinstance(value, dict) and value.get("filename", SYSTEM_CAS) != SYSTEM_CAS:
        value["inline_string"] = read(value.pop("filename"))


def _with_files(value: Json, read: Callable[[str], str]) -> Json:
    _inline_files(value, read)
    return value


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
