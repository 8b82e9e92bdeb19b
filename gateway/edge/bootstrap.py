"""What Envoy is started with. All else comes by files that it watches."""

from __future__ import annotations

from pathlib import Path

from gateway.edge.resources import CLUSTERS, LISTENERS
from gateway.edge.secrets import file_source
from gateway.export.envoy_clusters import TYPE, Json

MONITOR = "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"

WORKER_HANGS = "15s"
"""After which Envoy ends itself because one of its workers does not turn to its events. The gateway starts
another."""

RUNTIME: Json = {
    # Of one connection at a time, so that one with many requests does not keep the others waiting.
    "http.max_requests_per_io_cycle": 10,
    # Rapid reset: a connection ends on which half of so many requests were reset within a second.
    "overload.premature_reset_total_stream_count": 200,
    "overload.premature_reset_min_stream_lifetime_seconds": 1,
}
"""Bounds that Envoy has as runtime keys."""


def bootstrap(folder: Path, admin: Path, max_connections: int) -> Json:
    """`admin`: the path of the socket at which it is asked how it is."""
    return {
        "node": {"id": "gatepost", "cluster": "gatepost"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        # Of threads that hang, the gateway sees the main one itself: it asks it.
        "watchdogs": {"worker_watchdog": {"kill_timeout": WORKER_HANGS}},
        "layered_runtime": {"layers": [{"name": "bounds", "static_layer": RUNTIME}]},
        "dynamic_resources": {
            "cds_config": file_source(CLUSTERS, folder),
            "lds_config": file_source(LISTENERS, folder),
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": f"{TYPE}.{MONITOR}",
                        "max_active_downstream_connections": max_connections,
                    },
                }
            ]
        },
    }
