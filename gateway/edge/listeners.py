"""The edge's listeners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.config.server import ServerSettings
from gateway.edge.configuration import HTTP_1, HTTP_2, EdgeConfiguration, EdgeListener
from gateway.edge.grpc import grpc_filters, speaks_grpc
from gateway.edge.http_options import BUFFER, HTTP_1_OPTIONS, HTTP_2_OPTIONS, HTTP_3_OPTIONS
from gateway.edge.local_replies import local_replies
from gateway.edge.secrets import file_source
from gateway.edge.tls import filter_chains, quic_transport, tls_transport
from gateway.export.envoy_clusters import TYPE, Json, duration
from gateway.export.envoy_routes import ROUTE_ID

LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
KIB = 1024
HEAD_ROOM = 64
"""KiB of a head beyond the gateway's limits: so that the refusal is the gateway's own."""
MAX_HEAD = 8192
"""KiB: Envoy takes no larger number."""


def listeners(configuration: EdgeConfiguration) -> Iterator[Json]:
    """All of them: one for TCP, and one for UDP where HTTP/3 is spoken."""
    for listener in configuration.listeners:
        yield _tcp(listener, configuration)
        if listener.quic:
            yield _udp(listener, configuration)


def _tcp(listener: EdgeListener, configuration: EdgeConfiguration) -> Json:
    codec = "HTTP1" if HTTP_2 not in listener.http else "AUTO" if HTTP_1 in listener.http else "HTTP2"
    manager = _manager(listener, configuration, codec)
    found: Json = {
        "@type": LISTENER,
        "name": listener.name,
        "address": {"socket_address": {"address": listener.host, "port_value": listener.port}},
        "enable_reuse_port": True,
        "per_connection_buffer_limit_bytes": BUFFER,
        "filter_chains": filter_chains(listener, [manager], configuration.folder, tls_transport),
    }
    if listener.certificates:
        kind = f"{TYPE}.filters.listener.tls_inspector.v3.TlsInspector"
        found["listener_filters"] = [
            {"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": kind}}
        ]
        found["listener_filters_timeout"] = duration(configuration.settings.server.timeouts.header)
    return found


def _udp(listener: EdgeListener, configuration: EdgeConfiguration) -> Json:
    manager = _manager(listener, configuration, "HTTP3")
    return {
        "@type": LISTENER,
        "name": f"{listener.name}-quic",
        "address": {
            "socket_address": {"protocol": "UDP", "address": listener.host, "port_value": listener.port}
        },
        "enable_reuse_port": True,
        "udp_listener_config": {"quic_options": {}, "downstream_socket_config": {"prefer_gro": True}},
        "filter_chains": filter_chains(listener, [manager], configuration.folder, quic_transport),
    }


def _manager(listener: EdgeListener, configuration: EdgeConfiguration, codec: str) -> Json:
    server = configuration.settings.server
    config: dict[str, Any] = {
        "@type": f"{TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "codec_type": codec,
        "stat_prefix": "edge",
        **_as_it_came(configuration),
        **_timeouts_and_limits(server),
        "http_protocol_options": {"accept_http_10": True, **HTTP_1_OPTIONS},
        "http2_protocol_options": HTTP_2_OPTIONS,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "local_reply_config": local_replies(configuration.settings),
        "rds": {
            "route_config_name": listener.name,
            "config_source": file_source(f"{listener.name}.json", configuration.folder),
        },
        "http_filters": [
            *grpc_filters(listener, configuration),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": f"{TYPE}.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            },
        ],
    }
    if codec == "HTTP3":
        config["http3_protocol_options"] = HTTP_3_OPTIONS
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def _as_it_came(configuration: EdgeConfiguration) -> Json:
    """What the gateway judges is what the client has sent."""
    removed: list[Json] = [{"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}}]
    if speaks_grpc(configuration.settings):
        # In it the gateway tells where a call goes.
        removed.append({"remove": ROUTE_ID})
    mutation = f"{TYPE}.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {
        # With true, Envoy would overwrite what trusted proxies say in X-Forwarded-Proto.
        "use_remote_address": False,
        "skip_xff_append": True,
        "generate_request_id": False,
        "forward_client_cert_details": "ALWAYS_FORWARD_ONLY",
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "proxy_100_continue": True,
        # Envoy obeys some of them.
        "early_header_mutation_extensions": [
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": {"@type": mutation, "mutations": removed},
            }
        ],
    }


def _timeouts_and_limits(server: ServerSettings) -> Json:
    limits = server.limits
    return {
        "stream_idle_timeout": "0s",
        # Of a response that is all in Envoy's buffer the gateway can't see whether its client takes it.
        "stream_flush_timeout": duration(server.timeouts.body + BUFFER / server.min_rate),
        "request_headers_timeout": duration(server.timeouts.header),
        "max_request_headers_kb": min(MAX_HEAD, (limits.head + limits.target) // KIB + HEAD_ROOM),
        "common_http_protocol_options": {
            "idle_timeout": duration(server.timeouts.idle),
            "max_headers_count": 2 * limits.headers,
            "headers_with_underscores_action": "ALLOW",
        },
    }
