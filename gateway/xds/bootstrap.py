"""The file that an Envoy of the fleet starts with: where its configuration comes from."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.export.envoy_clusters import TYPE, Json

UNIX = "unix:"
FOLDER = "/etc/envoy/xds"
"""Where its certificate, its key and the CA of the server are expected."""
_SERVER = "gatepost_xds"


def xds_bootstrap(address: str, connections: int) -> Json:
    """The bootstrap of each Envoy.

    Args:
        address: that of the server, `unix:/path` or `host:port`.
        connections: the most connections of clients.
    """
    ads = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": _SERVER}}],
    }
    kind = "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    monitor = {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {"@type": f"{TYPE}.{kind}", "max_active_downstream_connections": connections},
    }
    return {
        "node": {"id": "envoy", "cluster": "gatepost"},
        "dynamic_resources": {
            "ads_config": ads,
            "cds_config": {"ads": {}, "resource_api_version": "V3"},
            "lds_config": {"ads": {}, "resource_api_version": "V3"},
        },
        "static_resources": {"clusters": [_cluster(address)]},
        "overload_manager": {"resource_monitors": [monitor]},
    }


def _cluster(address: str) -> Json:
    unix = address.startswith(UNIX)
    endpoint = {"address": _unix(address) if unix else _tcp(address)}
    keepalive = {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}
    options = {
        "@type": f"{TYPE}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": keepalive},
    }
    found: Json = {
        "name": _SERVER,
        "type": "STATIC" if unix else "STRICT_DNS",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": _SERVER,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
        },
    }
    if not unix:
        found["transport_socket"] = _tls()
    return found


def _unix(address: str) -> Json:
    return {"pipe": {"path": address.removeprefix(UNIX)}}


def _tcp(address: str) -> Json:
    parts = urlsplit(f"//{address}")
    return {"socket_address": {"address": parts.hostname, "port_value": parts.port}}


def _tls() -> Json:
    context = {
        "tls_certificates": [
            {
                "certificate_chain": {"filename": f"{FOLDER}/certificate.pem"},
                "private_key": {"filename": f"{FOLDER}/key.pem"},
            }
        ],
        "validation_context": {"trusted_ca": {"filename": f"{FOLDER}/ca.pem"}},
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{TYPE}.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": context,
        },
    }
