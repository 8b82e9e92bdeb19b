"""Where the edge sends requests.

All go to the gateway, but for calls of gRPC (`gateway.edge.grpc`).
"""

from __future__ import annotations

from gateway.edge.configuration import EdgeConfiguration, EdgeListener
from gateway.edge.grpc import grpc_routes, unasked
from gateway.export.envoy_clusters import Json
from gateway.export.envoy_routes import GATEWAY

ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
ALT_SVC_AGE = 86_400
"""Seconds for which clients may remember that a listener speaks HTTP/3."""


def route_configuration(listener: EdgeListener, configuration: EdgeConfiguration) -> Json:
    """The routes of a listener."""
    found: Json = {
        "@type": ROUTES,
        "name": listener.name,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": _routes(listener, configuration)}],
    }
    if listener.quic:
        # RFC 7838 section 3.
        value = f'h3=":{listener.port}"; ma={ALT_SVC_AGE}'
        found["response_headers_to_add"] = [
            {"header": {"key": "alt-svc", "value": value}, "append_action": "ADD_IF_ABSENT"}
        ]
    return found


def _routes(listener: EdgeListener, configuration: EdgeConfiguration) -> list[Json]:
    to_gateway = _to_gateway(listener, configuration)
    calls = list(grpc_routes(configuration.settings, to_gateway))
    return [*calls, to_gateway | unasked()] if calls else [to_gateway]


def _to_gateway(listener: EdgeListener, configuration: EdgeConfiguration) -> Json:
    """Without time-outs: those of the gateway hold."""
    header = configuration.header
    return {
        "match": {"prefix": ""},
        "route": {"cluster": GATEWAY, "timeout": "0s", "idle_timeout": "0s"},
        "request_headers_to_add": [
            {
                "header": {"key": header.name, "value": header.value(listener.scheme)},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }
