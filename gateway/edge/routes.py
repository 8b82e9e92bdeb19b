"""Where the edge sends requests.

All go to the gateway. A route of the gateway's that Envoy is to proxy itself would stand before the last one
here, with its cluster in `gateway.edge.clusters`.
"""

from __future__ import annotations

from gateway.edge.clusters import GATEWAY
from gateway.edge.configuration import EdgeConfiguration, EdgeListener
from gateway.export.envoy_clusters import Json

ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
ALT_SVC_AGE = 86_400
"""Seconds for which clients may remember that a listener speaks HTTP/3."""


def route_configuration(listener: EdgeListener, configuration: EdgeConfiguration) -> Json:
    """The routes of a listener."""
    found: Json = {
        "@type": ROUTES,
        "name": listener.name,
        "virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": [_to_gateway(listener, configuration)]}
        ],
    }
    if listener.quic:
        # RFC 7838 section 3.
        value = f'h3=":{listener.port}"; ma={ALT_SVC_AGE}'
        found["response_headers_to_add"] = [
            {"header": {"key": "alt-svc", "value": value}, "append_action": "ADD_IF_ABSENT"}
        ]
    return found


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
