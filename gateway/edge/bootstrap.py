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


def bootstrap(folder: Path, admin: Path, max_connections: int) -> Json:
    """`admin`: the path of the socket at which it is asked how it is."""
    return {
        "node": {"id": "gatepost", "cluster": "gatepost"},
        "admin": {"address": {"pipe": {"path": str(admin), "mode": 0o600}}},
        # Of threads that hang, the gateway sees the main one itself: it asks it.
        "watchdogs": {"worker_watchdog": {"kill_timeout": WORKER_HANGS}},
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
