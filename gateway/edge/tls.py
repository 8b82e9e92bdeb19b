"""TLS at the edge: the versions, ciphers and groups that the gateway's own listeners have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.config.tls_parameters import GROUPS, TLS_1_2_CIPHERS
from gateway.edge.configuration import HTTP_3, EdgeListener
from gateway.edge.secrets import authority_name, certificate_name, secret_source
from gateway.export.envoy_clusters import TYPE, Json

ALPN = {1: "http/1.1", 2: "h2", 3: "h3"}
Transport = Callable[[EdgeListener, int, Path], Json]


def filter_chains(
    listener: EdgeListener, filters: list[Json], folder: Path, transport: Transport
) -> list[Json]:
    """One for each certificate, by the names that it is for. The first is also for all other names."""
    if not listener.certificates:
        return [{"filters": filters}]
    return [
        {"filters": filters, "transport_socket": transport(listener, place, folder)}
        | ({"filter_chain_match": {"server_names": names}} if place else {})
        for place, names in _names(listener)
    ]


def _names(listener: EdgeListener) -> Iterator[tuple[int, list[str]]]:
    """The certificates by their places, with those of their names that none before has."""
    taken: set[str] = set()
    for place, one in enumerate(listener.certificates):
        names = sorted(name for name in one.names - taken if _is_dns_name(name))
        taken |= set(names)
        if names or not place:
            yield place, names


def _is_dns_name(name: str) -> bool:
    return ":" not in name and not name.replace(".", "").isdigit()


def tls_transport(listener: EdgeListener, place: int, folder: Path) -> Json:
    """TLS over TCP."""
    offered = [ALPN[version] for version in sorted(listener.http, reverse=True) if version != HTTP_3]
    kind = f"{TYPE}.transport_sockets.tls.v3.DownstreamTlsContext"
    config = {"@type": kind, **_context(listener, place, folder, offered)}
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def quic_transport(listener: EdgeListener, place: int, folder: Path) -> Json:
    """QUIC, which has TLS 1.3 in it."""
    kind = f"{TYPE}.transport_sockets.quic.v3.QuicDownstreamTransport"
    config = {"@type": kind, "downstream_tls_context": _context(listener, place, folder, [ALPN[HTTP_3]])}
    return {"name": "envoy.transport_sockets.quic", "typed_config": config}


def _context(listener: EdgeListener, place: int, folder: Path, alpn: list[str]) -> Json:
    common: Json = {
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_2",
            "tls_maximum_protocol_version": "TLSv1_3",
            "cipher_suites": list(TLS_1_2_CIPHERS),
            "ecdh_curves": list(GROUPS),
        },
        "alpn_protocols": alpn,
        "tls_certificate_sds_secret_configs": [secret_source(certificate_name(listener, place), folder)],
    }
    if listener.certificates[place].client_ca is not None:
        source = secret_source(authority_name(listener, place), folder)
        common["validation_context_sds_secret_config"] = source
    return {"common_tls_context": common}
