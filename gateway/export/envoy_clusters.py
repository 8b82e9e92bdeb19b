"""Upstreams as clusters of Envoy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from gateway.config.resilience import BreakerConfig, HealthConfig
from gateway.config.upstreams import SRV, UpstreamConfig, UpstreamTls

Json = dict[str, Any]
TYPE = "type.googleapis.com/envoy.extensions"
SYSTEM_CAS = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian, Ubuntu and Envoy's own image have them."""
UNIX = "unix:"
_PORTS = {"http": 80, "https": 443}


def duration(seconds: float) -> str:
    """As JSON has a `google.protobuf.Duration`."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def what_clusters_lack(upstream: UpstreamConfig) -> Iterator[str]:
    """What of an upstream a cluster can't have, in words."""
    urls = [server.url for server in upstream.servers]
    if any(url.startswith(SRV) for url in urls):
        yield "servers from SRV records"
    if len({url.startswith("https:") for url in urls}) > 1:
        yield "servers with and without TLS in one upstream"
    names = {urlsplit(url).hostname for url in urls if url.startswith("https:")}
    if len(names) > 1 and (upstream.tls is None or upstream.tls.server_name is None):
        yield "servers with TLS of more than one name, and no tls.server_name"
    if upstream.balance == "hash":
        yield "balance: hash"
    if upstream.sticky is not None:
        yield "sticky sessions"
    if upstream.auth is not None:
        yield "the gateway's own credentials (auth)"


def cluster(name: str, upstream: UpstreamConfig) -> Json:
    """One upstream, of which `what_clusters_lack` says nothing."""
    https, grpc = upstream.servers[0].url.startswith("https:"), upstream.protocol == "grpc"
    names = [urlsplit(server.url).hostname or "" for server in upstream.servers]
    found: Json = {
        "name": name,
        "type": "STRICT_DNS"
        if all(not server.url.startswith(UNIX) for server in upstream.servers)
        else "STATIC",
        # Else a name with both kinds of addresses, such as localhost, would stand for that of IPv6 alone.
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": duration(upstream.timeouts.connect),
        "lb_policy": "LEAST_REQUEST" if upstream.balance == "least_requests" else "ROUND_ROBIN",
        "circuit_breakers": {"thresholds": [_thresholds(upstream)]},
        # Where no server is well, none is asked.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {
                    "lb_endpoints": [
                        _endpoint(server.url, server.weight, upstream.health) for server in upstream.servers
                    ]
                }
            ],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{TYPE}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {f"{'http2' if grpc else 'http'}_protocol_options": {}},
                "common_http_protocol_options": {"idle_timeout": duration(upstream.keep_alive)},
            }
        },
    }
    if upstream.slow_start and upstream.balance in ("round_robin", "least_requests"):
        key = "least_request_lb_config" if upstream.balance == "least_requests" else "round_robin_lb_config"
        found[key] = {"slow_start_config": {"slow_start_window": duration(upstream.slow_start)}}
    if upstream.health is not None:
        found["health_checks"] = [_health_check(upstream.health, upstream.host_header, grpc=grpc)]
    if upstream.breaker is not None:
        found["outlier_detection"] = _outlier_detection(upstream.breaker)
    if https:
        found["transport_socket"] = _tls(upstream.tls or UpstreamTls(), names[0])
        if grpc:
            # RFC 7301: servers of gRPC insist on it.
            context = found["transport_socket"]["typed_config"]["common_tls_context"]
            context["alpn_protocols"] = ["h2"]
    return found


def gateway_cluster(name: str, urls: Sequence[str]) -> Json:
    """The gateways themselves, which are asked and get what they must proxy."""
    parts = [urlsplit(url) for url in urls]
    found: Json = {
        "name": name,
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [_endpoint(url, 1, None) for url in urls]}],
        },
        # A gateway that can't be reached is left alone for a moment.
        "outlier_detection": _outlier_detection(BreakerConfig(failures=3, open_for=5.0)),
    }
    if parts[0].scheme == "https":
        found["transport_socket"] = _tls(UpstreamTls(), parts[0].hostname or "")
    return found


def _thresholds(upstream: UpstreamConfig) -> Json:
    return {
        "max_connections": upstream.max_connections,
        "max_pending_requests": max(1, upstream.max_queue),
        "max_requests": upstream.max_connections + max(1, upstream.max_queue),
    }


def _endpoint(url: str, weight: int, health: HealthConfig | None) -> Json:
    if url.startswith(UNIX):
        address: Json = {"pipe": {"path": url.removeprefix(UNIX).removeprefix("//")}}
    else:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        address = {"socket_address": {"address": parts.hostname, "port_value": port}}
    endpoint: Json = {"address": address}
    if health is not None and health.port is not None:
        endpoint["health_check_config"] = {"port_value": health.port}
    return {"endpoint": endpoint, "load_balancing_weight": weight}


def _health_check(health: HealthConfig, host: str | None, *, grpc: bool) -> Json:
    kind, check = ("grpc", _grpc_check(health, host)) if grpc else ("http", _http_check(health, host))
    return {
        "interval": duration(health.interval),
        # Else the second check of a server that has had no requests comes after a minute.
        "no_traffic_interval": duration(health.interval),
        "timeout": duration(health.timeout),
        "unhealthy_threshold": health.unhealthy_after,
        "healthy_threshold": health.healthy_after,
        f"{kind}_health_check": check,
    }


def _grpc_check(health: HealthConfig, host: str | None) -> Json:
    """By gRPC's health protocol, `grpc.health.v1.Health/Check`, of the server as a whole."""
    check: Json = {}
    if health.host or host:
        check["authority"] = health.host or host
    if health.headers:
        check["initial_metadata"] = _added(health)
    return check


def _added(health: HealthConfig) -> list[Json]:
    return [
        {"header": {"key": name, "value": value.get_secret_value()}} for name, value in health.headers.items()
    ]


def _http_check(health: HealthConfig, host: str | None) -> Json:
    check: Json = {"path": health.path}
    if health.host or host:
        check["host"] = health.host or host
    if health.headers:
        check["request_headers_to_add"] = _added(health)
    statuses = health.expect.status
    ranges = [(status, status + 1) for status in statuses] if statuses else [(200, 400)]
    check["expected_statuses"] = [{"start": start, "end": end} for start, end in ranges]
    if health.expect.body is not None:
        check["receive"] = [{"text": health.expect.body.encode().hex()}]
    return check


def _outlier_detection(breaker: BreakerConfig) -> Json:
    """A server that gives no response too often in a row gets no requests. What it answers never counts."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": breaker.failures,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "base_ejection_time": duration(breaker.open_for),
        "max_ejection_time": duration(breaker.open_for),
        "max_ejection_percent": 100,
    }


def _tls(tls: UpstreamTls, host: str) -> Json:
    name = tls.server_name or host
    # RFC 6066 section 3: an address is no server name.
    kind, sni = ("IP_ADDRESS", {}) if is_address(name) else ("DNS", {"sni": name})
    context: Json = {}
    if tls.verify:
        context["validation_context"] = {
            "trusted_ca": {"filename": SYSTEM_CAS if tls.ca is None else str(tls.ca)},
            "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": name}}],
        }
    if tls.certificate is not None:
        context["tls_certificates"] = [
            {
                "certificate_chain": {"filename": str(tls.certificate)},
                "private_key": {"filename": str(tls.key or tls.certificate)},
            }
        ]
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{TYPE}.transport_sockets.tls.v3.UpstreamTlsContext",
            **sni,
            "common_tls_context": context,
        },
    }


def is_address(host: str) -> bool:
    """Whether a host is an IP address, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
