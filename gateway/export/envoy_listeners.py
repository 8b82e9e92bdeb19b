"""Listeners as Envoy has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.config.server import ListenSettings, ServerSettings
from gateway.config.tls import TlsFiles
from gateway.export.envoy_clusters import TYPE, Json, duration
from gateway.export.envoy_routes import GATEWAY, ROUTE_ID
from gateway.http.endpoints import VERIFY
from gateway.http.header_names import OVERRIDES

REMOVED = (
    "x-client-id",
    "x-authenticated-scope",
    "x-authenticated-userid",
    ROUTE_ID,
    *sorted(OVERRIDES),
    "x-original-method",
    "x-original-uri",
    "x-original-host",
    "x-http-host-override",
    "x-forwarded-host",
    "x-real-ip",
    "forwarded",
    "client-cert",
)
"""What callers must not say. Names with an underscore are dropped altogether."""
SHOWN = (
    "authorization",
    "dpop",
    "cookie",
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-client-cert",
    "user-agent",
    "content-type",
)
"""The headers of a request that the gateway judges by, beside method, path and Host."""
GRANTED = ("x-client-id", "x-authenticated-scope", "x-authenticated-userid", "x-request-id", ROUTE_ID)
ADDED = (
    "ratelimit",
    "ratelimit-policy",
    "x-request-id",
    "dpop-nonce",
    "vary",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
)
"""Headers of the gateway's answer that are added to the backend's response."""
STREAMS = 100
"""Requests at once of a connection with HTTP/2 or HTTP/3."""
_LOG = {
    "time": "%START_TIME%",
    "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "status": "%RESPONSE_CODE%",
    "bytes": "%BYTES_SENT%",
    "milliseconds": "%DURATION%",
    "client": "%REQ(X-CLIENT-ID)%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}


@dataclass(frozen=True, slots=True)
class Served:
    """What all listeners serve."""

    server: ServerSettings
    routes: list[Json]
    filters: list[Json]
    """What judges requests, in order."""
    log: bool
    http3: bool
    """Whether listeners with TLS have HTTP/3 too."""


def listeners(settings: ListenSettings, served: Served) -> Iterator[Json]:
    """A listener of gateway.yaml with everything that happens to its requests."""
    yield _listener(settings, served)
    if served.http3 and _has_http3(settings):
        yield _quic_listener(settings, served)


def _has_http3(settings: ListenSettings) -> bool:
    # The PROXY protocol has a stream to stand before.
    return settings.tls is not None and settings.unix is None and not settings.proxy_protocol


def _listener(settings: ListenSettings, served: Served) -> Json:
    if settings.unix is not None:
        name, address = f"unix:{settings.unix}", {"pipe": {"path": str(settings.unix), "mode": settings.mode}}
    else:
        name, address = f"tcp:{settings.host}:{settings.port}", _socket(settings)
    chain: Json = {"filters": [_connection_manager(settings, served)]}
    if settings.tls is not None:
        chain["transport_socket"] = _tls(certificates(settings, served.server) or [])
    found: Json = {
        "name": name,
        "address": address,
        "filter_chains": [chain],
        "per_connection_buffer_limit_bytes": 32768,
    }
    filters = []
    if settings.proxy_protocol:
        filters.append(_typed("listener.proxy_protocol", "listener.proxy_protocol.v3.ProxyProtocol"))
    if settings.tls is not None:
        filters.append(_typed("listener.tls_inspector", "listener.tls_inspector.v3.TlsInspector"))
    if filters:
        found["listener_filters"] = filters
    return found


def certificates(settings: ListenSettings, server: ServerSettings) -> list[TlsFiles] | None:
    """The files of the listener's certificates, the default first; None: they are not in files."""
    if settings.tls == "auto":
        folder = server.state_dir.absolute()
        return [TlsFiles(certificate=folder / "certificate.pem", key=folder / "key.pem")]
    files = list(settings.certificates.values())
    return (
        [one for one in files if isinstance(one, TlsFiles)]
        if all(isinstance(one, TlsFiles) for one in files)
        else None
    )


def _socket(settings: ListenSettings, protocol: str = "TCP") -> Json:
    return {"socket_address": {"protocol": protocol, "address": settings.host, "port_value": settings.port}}


def _quic_listener(settings: ListenSettings, served: Served) -> Json:
    """HTTP/3 on the same port, which responses over HTTP/1.1 and HTTP/2 announce (Alt-Svc)."""
    manager = _connection_manager(settings, served)
    manager["typed_config"] |= {
        "codec_type": "HTTP3",
        "http3_protocol_options": {
            "quic_protocol_options": {"max_concurrent_streams": STREAMS},
        },
    }
    tls = _tls(certificates(settings, served.server) or [])["typed_config"]
    quic = {
        "@type": f"{TYPE}.transport_sockets.quic.v3.QuicDownstreamTransport",
        "downstream_tls_context": {
            "common_tls_context": {
                key: value for key, value in tls["common_tls_context"].items() if key != "alpn_protocols"
            }
        },
    }
    return {
        "name": f"udp:{settings.host}:{settings.port}",
        "address": _socket(settings, "UDP"),
        "udp_listener_config": {"quic_options": {}, "downstream_socket_config": {"prefer_gro": True}},
        "filter_chains": [
            {
                "filters": [manager],
                "transport_socket": {"name": "envoy.transport_sockets.quic", "typed_config": quic},
            }
        ],
    }


def _tls(files: list[TlsFiles]) -> Json:
    """All certificates: Envoy chooses by the name that the client asks for."""
    context: Json = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificates": [
            {
                "certificate_chain": {"filename": str(one.certificate)},
                "private_key": {"filename": str(one.key)},
            }
            for one in files
        ],
    }
    authority = next((one.client_ca for one in files if one.client_ca is not None), None)
    if authority is not None:
        context["validation_context"] = {"trusted_ca": {"filename": str(authority)}}
    config = {"@type": f"{TYPE}.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": context}
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def _connection_manager(settings: ListenSettings, served: Served) -> Json:
    server, tls = served.server, settings.tls is not None
    timeouts, limits = server.timeouts, server.limits
    redirects = settings.redirect is not None
    everything: Json = {
        "name": "all",
        "domains": ["*"],
        "routes": _redirects(server.https_port) if redirects else served.routes,
    }
    if served.http3 and _has_http3(settings):
        everything["response_headers_to_add"] = [
            {"header": {"key": "alt-svc", "value": f'h3=":{settings.port}"; ma=86400'}}
        ]
    config: Json = {
        "@type": f"{TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gatepost",
        "use_remote_address": True,
        "via": "gatepost",
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": False,
        "merge_slashes": False,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "request_headers_timeout": duration(timeouts.header),
        "stream_idle_timeout": "0s",
        "max_request_headers_kb": max(1, min(8192, (limits.head + limits.target) // 1024 + 1)),
        "common_http_protocol_options": {
            "idle_timeout": duration(timeouts.idle),
            "max_headers_count": limits.headers,
            "headers_with_underscores_action": "DROP_HEADER",
        },
        # RFC 8441. What a connection may hold is bounded, as Envoy advises for the edge of a network.
        "http2_protocol_options": {
            "allow_connect": True,
            "max_concurrent_streams": STREAMS,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1048576,
        },
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "early_header_mutation_extensions": [_early_removal()],
        "route_config": {"virtual_hosts": [everything]},
        "http_filters": [
            *([] if redirects else served.filters),
            _typed("http.router", "http.router.v3.Router"),
        ],
    }
    if tls:
        # The gateway reads it there: server.client_certificate_header.
        config |= {
            "forward_client_cert_details": "SANITIZE_SET",
            "set_current_client_cert_details": {"cert": True},
        }
    if served.log:
        config["access_log"] = [_access_log()]
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def _early_removal() -> Json:
    """Before a route is chosen."""
    kind = "http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": f"{TYPE}.{kind}",
            "mutations": [{"remove": name} for name in dict.fromkeys(REMOVED)],
        },
    }


def ext_authz(shown: Iterable[str], **further: Any) -> Json:
    """The filter that asks the gateway. `shown`: further headers to judge by."""
    config: Json = {
        "@type": f"{TYPE}.filters.http.ext_authz.v3.ExtAuthz",
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        # The route is known by the gateway's answer.
        "clear_route_cache": True,
        "allowed_headers": _names((*SHOWN, *(name.lower() for name in shown))),
        "http_service": {
            "server_uri": {"uri": f"http://{GATEWAY}", "cluster": GATEWAY, "timeout": "5s"},
            "path_prefix": VERIFY,
            "authorization_request": {"headers_to_add": [{"key": ROUTE_ID, "value": "?"}]},
            "authorization_response": {
                "allowed_upstream_headers": _names(GRANTED),
                "allowed_client_headers_on_success": _names(ADDED),
            },
            # Of another gateway, and only where the first has not seen the question.
            "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request"},
        },
        **further,
    }
    return {"name": "envoy.filters.http.ext_authz", "typed_config": config}


def _names(names: Iterable[str]) -> Json:
    return {"patterns": [{"exact": name} for name in dict.fromkeys(names)]}


def _redirects(port: int | None) -> list[Json]:
    """301 for GET and HEAD, 308 for all others, as the gateway does."""
    to = {"https_redirect": True, **({} if port is None else {"port_redirect": port})}
    get = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
    return [
        {
            "match": {"prefix": "/", "headers": [get]},
            "redirect": to | {"response_code": "MOVED_PERMANENTLY"},
        },
        {"match": {"prefix": "/"}, "redirect": to | {"response_code": "PERMANENT_REDIRECT"}},
    ]


def _access_log() -> Json:
    config: dict[str, Any] = {
        "@type": f"{TYPE}.access_loggers.stream.v3.StderrAccessLog",
        "log_format": {"json_format": _LOG},
    }
    return {"name": "envoy.access_loggers.stderr", "typed_config": config}


def _typed(name: str, kind: str) -> Json:
    return {"name": f"envoy.filters.{name}", "typed_config": {"@type": f"{TYPE}.filters.{kind}"}}
