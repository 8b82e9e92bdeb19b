"""Listeners as a Gateway with its policies: what clients may send, and who is asked about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.config.server import ListenSettings, ServerSettings
from gateway.config.tls import TlsFiles
from gateway.export.envoy_clusters import Json
from gateway.export.envoy_listeners import GRANTED, REMOVED, SHOWN, STREAMS, certificates
from gateway.export.envoy_routes import ROUTE_ID
from gateway.export.kubernetes_objects import (
    ENVOY_GATEWAY,
    GATEWAY_API,
    JUDGED,
    ObjectPlace,
    names,
    thing,
    time,
)
from gateway.http.endpoints import VERIFY

HTTP_3 = 3
_MOST_CERTIFICATES = 64


@dataclass(frozen=True, slots=True)
class GatewayListener:
    """One listener of the Gateway."""

    name: str
    settings: ListenSettings
    host: str | None = None
    """The only host that is served there, which is gRPC's; None: all others."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.settings.port or 0


def sections(server: ServerSettings, grpc_hosts: Sequence[str]) -> Iterator[GatewayListener]:
    """The listeners. Hosts of gRPC have their own, by TLS: no other kind of route may be on them."""
    seen: set[int] = set()
    for one in server.for_clients:
        if not one.port or one.port in seen:
            continue
        seen.add(one.port)
        name = f"{'http' if one.tls is None else 'https'}-{one.port}"
        yield GatewayListener(name, one)
        if one.tls is not None:
            for host, own in names(name, grpc_hosts).items():
                yield GatewayListener(own, one, host)


def left_out(server: ServerSettings) -> Iterator[str]:
    """Which listeners there are no such for, in words."""
    ports: set[int] = set()
    for one in server.for_clients:
        if one.unix is not None:
            yield f"the listener unix:{one.unix}: left out"
        elif not one.port or one.port in ports:
            yield f"the listener {one.host}:{one.port}: left out: each needs a port of its own"
        else:
            ports.add(one.port)


def gateway(
    found: Sequence[GatewayListener], server: ServerSettings, gateway_class: str, place: ObjectPlace
) -> Json:
    """The Gateway, of whose listeners each serves the routes of its own namespace."""
    listeners = []
    for one in found:
        listener: Json = {"name": one.name, "port": one.port, "protocol": "HTTP"}
        if one.host is not None:
            listener["hostname"] = one.host
        if one.settings.tls is not None:
            references = [
                {"group": "", "kind": "Secret", "name": name} for name, _ in _secrets(one, server, place)
            ]
            tls = {"mode": "Terminate", "certificateRefs": references[:_MOST_CERTIFICATES]}
            listener |= {"protocol": "HTTPS", "tls": tls}
        kind = "HTTPRoute" if one.host is None else "GRPCRoute"
        listener["allowedRoutes"] = {
            "namespaces": {"from": "Same"},
            "kinds": [{"group": GATEWAY_API, "kind": kind}],
        }
        listeners.append(listener)
    spec = {"gatewayClassName": gateway_class, "listeners": listeners}
    return thing(GATEWAY_API, "Gateway", place.gateway, place, spec)


def to_make(found: Iterable[GatewayListener], server: ServerSettings, place: ObjectPlace) -> Iterator[str]:
    """Secrets and ConfigMaps that the Gateway names, in words: the export has no keys in it."""
    for one in found:
        if one.host is None and one.settings.tls is not None:
            for name, origin in _secrets(one, server, place):
                yield f"make the Secret {name} of the type kubernetes.io/tls: {origin}"
            authority = client_authority(one.settings, server)
            if authority is not None:
                yield f"make the ConfigMap {_authority_name(one, place)} with the key ca.crt of {authority}"


def _secrets(section: GatewayListener, server: ServerSettings, place: ObjectPlace) -> list[tuple[str, str]]:
    """The names of the Secrets with a listener's certificates, and where these come from."""
    name = f"{place.gateway}-tls-{section.port}"
    if section.settings.tls == "auto":
        return [(name, "in place of the certificate that the gateway signs itself")]
    files = certificates(section.settings, server)
    if files is None:
        return [(name, "in place of the certificates by ACME, as of cert-manager")]
    numbered = len(files) > 1
    return [
        (f"{name}-{number}" if numbered else name, f"{one.certificate} and {one.key}")
        for number, one in enumerate(files, 1)
    ]


def client_authority(settings: ListenSettings, server: ServerSettings) -> str | None:
    """The file with the CAs of clients' certificates."""
    files: Iterable[TlsFiles] = certificates(settings, server) or ()
    return next((str(one.client_ca) for one in files if one.client_ca is not None), None)


def _authority_name(section: GatewayListener, place: ObjectPlace) -> str:
    return f"{place.gateway}-clients-{section.port}"


def client_policies(
    found: Iterable[GatewayListener], server: ServerSettings, idle: float, place: ObjectPlace
) -> Iterator[Json]:
    """What happens to requests of a listener before anything else. `idle`: how long nothing may move."""
    for one in found:
        target = {"group": GATEWAY_API, "kind": "Gateway", "name": place.gateway, "sectionName": one.name}
        spec: Json = {
            "targetRefs": [target],
            # What Gatepost judges has the bytes that clients have sent.
            "path": {"escapedSlashesAction": "KeepUnchanged", "disableMergeSlashes": True},
            "headers": _headers(tls=one.settings.tls is not None),
            "timeout": {"http": {"idleTimeout": time(server.timeouts.idle), "streamIdleTimeout": time(idle)}},
            "connection": {
                "bufferLimit": "32Ki",
                "connectionLimit": {"value": server.max_connections},
            },
            "http2": {
                "maxConcurrentStreams": STREAMS,
                "initialStreamWindowSize": "64Ki",
                "initialConnectionWindowSize": "1Mi",
            },
        }
        if HTTP_3 in one.settings.http and one.settings.tls is not None:
            spec["http3"] = {}
        if one.settings.proxy_protocol:
            spec["proxyProtocol"] = {"optional": False}
        if client_authority(one.settings, server) is not None:
            reference = {"group": "", "kind": "ConfigMap", "name": _authority_name(one, place)}
            spec["tls"] = {"clientValidation": {"optional": True, "caCertificateRefs": [reference]}}
        yield thing(ENVOY_GATEWAY, "ClientTrafficPolicy", f"{place.gateway}-{one.name}", place, spec)


def _headers(*, tls: bool) -> Json:
    """What callers must not say is removed early, and Gatepost is asked for the rule."""
    found: Json = {
        "withUnderscoresAction": "DropHeader",
        "earlyRequestHeaders": {
            "set": [{"name": ROUTE_ID, "value": "?"}],
            "remove": [name for name in dict.fromkeys(REMOVED) if name != ROUTE_ID],
        },
    }
    if tls:
        found["xForwardedClientCert"] = {"mode": "SanitizeSet", "certDetailsToAdd": ["Cert"]}
    return found


def security_policy(shown: Iterable[str], service: Json, place: ObjectPlace) -> Json:
    """Gatepost is asked about requests of routes with the label. `shown`: further headers to judge by."""
    spec = {
        "targetSelectors": [
            {"group": GATEWAY_API, "kind": kind, "matchLabels": {JUDGED: "true"}}
            for kind in ("HTTPRoute", "GRPCRoute")
        ],
        "extAuth": {
            "http": {"backendRefs": [service], "path": VERIFY, "headersToBackend": list(GRANTED)},
            "headersToExtAuth": list(dict.fromkeys((*SHOWN, ROUTE_ID, *shown))),
            "failOpen": False,
            # The rule is known by the answer.
            "recomputeRoute": True,
        },
    }
    return thing(ENVOY_GATEWAY, "SecurityPolicy", place.gateway, place, spec)
