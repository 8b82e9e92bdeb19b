"""Listeners as Envoy has them."""

from __future__ import annotations

from collections.abc import Iterable
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
)
"""The headers of a request that the gateway judges by, beside method, path and Host."""
GRANTED = ("x-client-id", "x-authenticated-scope", "x-authenticated-userid", "x-request-id", ROUTE_ID)
ADDED = ("ratelimit", "ratelimit-policy", "x-request-id", "dpop-nonce")
"""Headers of the gateway's answer that are added to the backend's response."""
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


def listener(
    settings: ListenSettings, server: ServerSettings, routes: list[Json], shown: Iterable[str], *, log: bool
) -> Json:
    """One listener with everything that happens to its requests. `shown`: further headers to judge by."""
    if settings.unix is not None:
        address: Json = {"pipe": {"path": str(settings.unix), "mode": settings.mode}}
    else:
        address = {"socket_address": {"address": settings.host, "port_value": settings.port}}
    found: Json = {"address": address, "filter_chains": _chains(settings, server, routes, shown, log=log)}
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


def _chains(
    settings: ListenSettings, server: ServerSettings, routes: list[Json], shown: Iterable[str], *, log: bool
) -> list[Json]:
    routes = _redirects(server.https_port) if settings.redirect is not None else routes
    chain: Json = {
        "filters": [_connection_manager(server, routes, shown, tls=settings.tls is not None, log=log)]
    }
    if settings.tls is not None:
        chain["transport_socket"] = _tls(certificates(settings, server) or [])
    return [chain]


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


def _connection_manager(
    server: ServerSettings, routes: list[Json], shown: Iterable[str], *, tls: bool, log: bool
) -> Json:
    timeouts, limits = server.timeouts, server.limits
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
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "early_header_mutation_extensions": [_early_removal()],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [_ext_authz(shown), _typed("http.router", "http.router.v3.Router")],
    }
    if tls:
        # The gateway reads it there: server.client_certificate_header.
        config |= {
            "forward_client_cert_details": "SANITIZE_SET",
            "set_current_client_cert_details": {"cert": True},
        }
    if log:
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


def _ext_authz(shown: Iterable[str]) -> Json:
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
        },
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
            **_quiet(),
        },
        {"match": {"prefix": "/"}, "redirect": to | {"response_code": "PERMANENT_REDIRECT"}, **_quiet()},
    ]


def _quiet() -> Json:
    disabled = {"@type": f"{TYPE}.filters.http.ext_authz.v3.ExtAuthzPerRoute", "disabled": True}
    return {"typed_per_filter_config": {"envoy.filters.http.ext_authz": disabled}}


def _access_log() -> Json:
    config: dict[str, Any] = {
        "@type": f"{TYPE}.access_loggers.stream.v3.StderrAccessLog",
        "log_format": {"json_format": _LOG},
    }
    return {"name": "envoy.access_loggers.stderr", "typed_config": config}


def _typed(name: str, kind: str) -> Json:
    return {"name": f"envoy.filters.{name}", "typed_config": {"@type": f"{TYPE}.filters.{kind}"}}
