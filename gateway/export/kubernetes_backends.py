"""Upstreams as Kubernetes has them: Services and Backends, their TLS, and the policies of their traffic."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.config.resilience import BreakerConfig, HealthConfig
from gateway.config.upstreams import UNIX, UpstreamConfig, UpstreamServerConfig, UpstreamTls
from gateway.export.envoy_clusters import Json, is_address
from gateway.export.kubernetes_objects import (
    ENVOY_GATEWAY,
    GATEWAY_API,
    MOST_BACKENDS,
    TRAFFIC,
    ObjectPlace,
    thing,
    time,
)

MOST_ENDPOINTS = 64
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PORTS = {"http": 80, "https": 443}
_SERVICE = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc(\.cluster\.local)?\.?")


@dataclass(frozen=True, slots=True)
class Backends:
    """An upstream among the objects."""

    references: tuple[Json, ...]
    """What routes name."""
    objects: tuple[Json, ...]
    notes: tuple[str, ...]
    """What must be made by hand, in words."""


def what_kubernetes_lacks(upstream: UpstreamConfig) -> Iterator[str]:
    """What of an upstream, beside what no cluster has, can't be said in these objects, in words."""
    hosts = [urlsplit(server.url).hostname or "" for server in upstream.servers]
    if any(server.url.startswith(UNIX) for server in upstream.servers):
        yield "servers on Unix sockets"
    elif not all(is_address(host) or _is_name(host) for host in hosts):
        yield "servers whose names Kubernetes does not take"
    if _together(upstream) is None and len(upstream.servers) > MOST_BACKENDS:
        yield f"more than {MOST_BACKENDS} servers of different weights or kinds"
    if upstream.host_header is not None and not _is_name(upstream.host_header):
        yield "host_header with a port or an address"
    yield from _lacking_tls(upstream, hosts[0])
    if upstream.health is not None:
        for key in ("host", "headers", "port"):
            if getattr(upstream.health, key):
                yield f"health.{key}"


def _lacking_tls(upstream: UpstreamConfig, host: str) -> Iterator[str]:
    if not has_tls(upstream):
        return
    tls = upstream.tls or UpstreamTls()
    if tls.certificate is not None:
        yield "the gateway's certificate for upstreams (tls.certificate)"
    if tls.verify and not _is_name(tls.server_name or host):
        yield "TLS to an address, and no tls.server_name"


def backends(name: str, upstream: UpstreamConfig, named: dict[str, str], place: ObjectPlace) -> Backends:
    """One upstream, of which nothing is lacking. `named`: names of objects, by `backend_texts`."""
    texts = list(backend_texts(name, upstream))
    authority = f"{named[texts[0]]}-ca"
    service = _service(upstream, place)
    if service is not None:
        made = list(_tls_policy(named[name], service, upstream, place, authority))
        return Backends((service,), tuple(made), tuple(_to_make(authority, upstream)))
    together = _together(upstream)
    made, references = [], []
    for text, servers in zip(texts, together or [(one,) for one in upstream.servers], strict=True):
        reference: Json = {"group": ENVOY_GATEWAY, "kind": "Backend", "name": named[text]}
        made.append(thing(ENVOY_GATEWAY, "Backend", named[text], place, _backend(upstream, servers)))
        made.extend(_tls_policy(named[text], reference, upstream, place, authority))
        references.append(reference if together else reference | {"weight": servers[0].weight})
    return Backends(tuple(references), tuple(made), tuple(_to_make(authority, upstream)))


def _backend(upstream: UpstreamConfig, servers: Iterable[UpstreamServerConfig]) -> Json:
    spec: Json = {"endpoints": [_endpoint(server.url) for server in servers]}
    if upstream.protocol == "grpc" and not has_tls(upstream):
        spec["appProtocols"] = [f"{ENVOY_GATEWAY}/h2c"]
    if has_tls(upstream) and upstream.tls is not None and not upstream.tls.verify:
        spec["tls"] = {"insecureSkipVerify": True}
    return spec


def backend_texts(name: str, upstream: UpstreamConfig) -> Iterator[str]:
    """What the objects of an upstream are named after: it as a whole, or each of its servers."""
    if _together(upstream) is not None:
        yield name
    else:
        yield from (f"{name} {number}" for number in range(1, len(upstream.servers) + 1))


def _together(upstream: UpstreamConfig) -> list[tuple[UpstreamServerConfig, ...]] | None:
    """All servers in one object, which has no weights, and names or addresses but not both."""
    weights = {server.weight for server in upstream.servers}
    kinds = {is_address(urlsplit(server.url).hostname or "") for server in upstream.servers}
    alike = len(weights) == 1 and len(kinds) == 1 and len(upstream.servers) <= MOST_ENDPOINTS
    return [tuple(upstream.servers)] if alike else None


def _service(upstream: UpstreamConfig, place: ObjectPlace) -> Json | None:
    """A Service of the same namespace, of which Envoy then knows each pod."""
    parts = urlsplit(upstream.servers[0].url)
    found = _SERVICE.fullmatch(parts.hostname or "")
    verified = upstream.tls is None or upstream.tls.verify
    if found is None or len(upstream.servers) > 1 or upstream.protocol == "grpc" or not verified:
        return None
    if found[2] != place.namespace:
        return None
    return {"group": "", "kind": "Service", "name": found[1], "port": parts.port or _PORTS[parts.scheme]}


def _endpoint(url: str) -> Json:
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    host = parts.hostname or ""
    if is_address(host):
        return {"ip": {"address": host, "port": port}}
    return {"fqdn": {"hostname": host, "port": port}}


def _tls_policy(
    name: str, reference: Json, upstream: UpstreamConfig, place: ObjectPlace, authority: str
) -> Iterator[Json]:
    """How the certificate of a server is verified."""
    tls = upstream.tls or UpstreamTls()
    if not has_tls(upstream) or not tls.verify:
        return
    validation: Json = {"hostname": tls.server_name or urlsplit(upstream.servers[0].url).hostname}
    if tls.ca is None:
        validation["wellKnownCACertificates"] = "System"
    else:
        validation["caCertificateRefs"] = [{"group": "", "kind": "ConfigMap", "name": authority}]
    target = {key: reference[key] for key in ("group", "kind", "name")}
    spec = {"targetRefs": [target], "validation": validation}
    yield thing(GATEWAY_API, "BackendTLSPolicy", name, place, spec)


def _to_make(authority: str, upstream: UpstreamConfig) -> Iterator[str]:
    tls = upstream.tls
    if has_tls(upstream) and tls is not None and tls.verify and tls.ca is not None:
        yield f"make the ConfigMap {authority} with the key ca.crt of {tls.ca}"


def is_idempotent(upstream: UpstreamConfig, methods: tuple[str, ...] | None) -> bool:
    """Whether all requests of a route may be sent again. For gRPC it makes no difference."""
    return upstream.protocol == "grpc" or (methods is not None and IDEMPOTENT.issuperset(methods))


def traffic_text(name: str, *, idempotent: bool) -> str:
    """What a policy is named after: one upstream can have two, since they can't tell methods apart."""
    return name if idempotent else f"{name} any method"


def traffic_policy(name: str, upstream: UpstreamConfig, place: ObjectPlace, *, idempotent: bool) -> Json:
    """Balancing, timeouts, retries, limits and health of an upstream, for the routes that bear its label."""
    kinds = ["HTTPRoute", *(["GRPCRoute"] if upstream.protocol == "grpc" else [])]
    pending = max(1, upstream.max_queue)
    spec: Json = {
        "targetSelectors": [
            {"group": GATEWAY_API, "kind": kind, "matchLabels": {TRAFFIC: name}} for kind in kinds
        ],
        "loadBalancer": _balance(upstream),
        "timeout": {
            "tcp": {"connectTimeout": time(upstream.timeouts.connect)},
            "http": {
                # The whole response may take as long as it likes, as long as something moves.
                "requestTimeout": time(upstream.timeouts.deadline or 0),
                "connectionIdleTimeout": time(upstream.keep_alive),
            },
        },
        "retry": _retries(upstream, idempotent=idempotent),
        "circuitBreaker": {
            "maxConnections": upstream.max_connections,
            "maxPendingRequests": pending,
            "maxParallelRequests": upstream.max_connections + pending,
        },
        "healthCheck": _health(upstream),
    }
    return thing(ENVOY_GATEWAY, "BackendTrafficPolicy", name, place, spec)


def _balance(upstream: UpstreamConfig) -> Json:
    found: Json = {"type": "LeastRequest" if upstream.balance == "least_requests" else "RoundRobin"}
    if upstream.slow_start:
        found["slowStart"] = {"window": time(upstream.slow_start)}
    return found


def _retries(upstream: UpstreamConfig, *, idempotent: bool) -> Json:
    """Without idempotent methods alone, only what has not been sent is sent again."""
    attempts = upstream.retries.attempts
    if upstream.protocol == "grpc":
        on: Json = {"triggers": ["connect-failure", "refused-stream"]}
        return {"numRetries": attempts, "retryOn": on}
    names = {"connect": "connect-failure", "reset": "reset"}
    statuses = [int(one) for one in upstream.retries.on if one not in names and idempotent]
    triggers = [
        names[one] for one in upstream.retries.on if one == "connect" or (one in names and idempotent)
    ]
    if statuses:
        triggers.append("retriable-status-codes")
    if not triggers:
        return {"numRetries": 0}
    on = {"triggers": triggers, **({"httpStatusCodes": statuses} if statuses else {})}
    return {"numRetries": attempts, "retryOn": on}


def _health(upstream: UpstreamConfig) -> Json:
    # Where no server is well, none is asked.
    found: Json = {"panicThreshold": 0}
    if upstream.breaker is not None:
        found["passive"] = _passive(upstream.breaker)
    if upstream.health is not None:
        found["active"] = _active(upstream.health, grpc=upstream.protocol == "grpc")
    return found


def _passive(breaker: BreakerConfig) -> Json:
    """A server that gives no response too often in a row gets no requests. What it answers never counts."""
    return {
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": breaker.failures,
        "consecutive5XxErrors": 0,
        "consecutiveGatewayErrors": 0,
        "baseEjectionTime": time(breaker.open_for),
        "maxEjectionPercent": 100,
    }


def _active(health: HealthConfig, *, grpc: bool) -> Json:
    found: Json = {
        "type": "GRPC" if grpc else "HTTP",
        "interval": time(health.interval),
        "timeout": time(health.timeout),
        "unhealthyThreshold": health.unhealthy_after,
        "healthyThreshold": health.healthy_after,
    }
    if not grpc:
        expected = health.expect
        found["http"] = {
            "path": health.path,
            "method": "GET",
            "expectedStatuses": list(expected.status or range(200, 400)),
            **(
                {"expectedResponse": {"type": "Text", "text": expected.body}}
                if expected.body is not None
                else {}
            ),
        }
    return found


def has_tls(upstream: UpstreamConfig) -> bool:
    """Whether its servers have TLS: all of them or none."""
    return upstream.servers[0].url.startswith("https:")


def _is_name(host: str) -> bool:
    return DNS_NAME.fullmatch(host) is not None and not is_address(host)
