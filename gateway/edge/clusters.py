"""Where the edge's requests can go: to the gateway's workers, and calls of gRPC to their upstreams."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.edge.configuration import EdgeConfiguration
from gateway.edge.grpc import grpc_clusters
from gateway.edge.http_options import BUFFER, HTTP_1_OPTIONS
from gateway.export.envoy_clusters import TYPE, Json
from gateway.export.envoy_routes import GATEWAY

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
NO_LIMIT = 1_000_000
"""The gateway has its own limits."""
MAX_ANSWER_HEADERS = 10_000
IDLE = "60s"
"""After which Envoy closes a connection to the gateway; the gateway never does."""


def clusters(configuration: EdgeConfiguration) -> Iterator[Json]:
    """All of them."""
    yield _gateway(configuration)
    yield from grpc_clusters(configuration)


def _gateway(configuration: EdgeConfiguration) -> Json:
    """The workers. Each has a socket of its own, so that Envoy sees which has the least to do."""
    answer_head = configuration.settings.server.limits.answer_head
    limits = {"max_connections": NO_LIMIT, "max_pending_requests": NO_LIMIT, "max_requests": NO_LIMIT}
    return {
        "@type": CLUSTER,
        "name": GATEWAY,
        "type": "STATIC",
        "connect_timeout": "5s",
        "per_connection_buffer_limit_bytes": BUFFER,
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": GATEWAY,
            "endpoints": [
                {
                    "lb_endpoints": [
                        {"endpoint": {"address": {"pipe": {"path": str(path)}}}}
                        for path in configuration.sockets
                    ]
                }
            ],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{TYPE}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": HTTP_1_OPTIONS},
                "common_http_protocol_options": {
                    "idle_timeout": IDLE,
                    "max_headers_count": MAX_ANSWER_HEADERS,
                    # What the gateway adds itself comes on top.
                    "max_response_headers_kb": min(8192, answer_head // 1024 + 64),
                },
            }
        },
    }
