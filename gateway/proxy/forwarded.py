"""Who really sent a request: what a trusted proxy says of it, and nobody else (RFC 7239, RFC 9440)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from gateway.exchange import Header, Peer, header_values
from gateway.proxy.arrival import valid_host

Network = IPv4Network | IPv6Network
MAX_HOPS = 32
_COLONS = 2


def trust(cidrs: Sequence[str]) -> Callable[[str], bool]:
    """A test of whether an address belongs to `server.trusted_proxies`."""
    networks: list[Network] = [ip_network(cidr) for cidr in cidrs]
    if not networks:
        return lambda address: False

    @lru_cache(maxsize=4096)
    def trusted(address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(mapped in network for network in networks if network.version == mapped.version)

    return trusted


def direct_peer(address: str, scheme: str, certificate: bytes | None = None) -> Peer:
    """The peer of a connection, as long as nothing is believed that it says of others."""
    if certificate is None:
        return _peer_without_certificate(address, scheme)
    return Peer(address, scheme, address.encode(), None, certificate)


@lru_cache(maxsize=4096)
def _peer_without_certificate(address: str, scheme: str) -> Peer:
    """One for all connections of a caller: so that it is seen at once that they are the same."""
    return Peer(address, scheme, address.encode())


def real_peer(connection: Peer, headers: Sequence[Header], trusted: Callable[[str], bool]) -> Peer:
    """The client behind the trusted proxies: the last address in the chain that isn't one of them.

    Its certificate is the one that the proxy tells of; the proxy's own is nobody else's.
    """
    if not trusted(connection.address):
        return connection
    chain = _addresses(header_values(headers, b"x-forwarded-for"))[-MAX_HOPS:]
    address = connection.address
    for hop in reversed(chain):
        if not _is_address(hop):
            break
        address = hop
        if not trusted(hop):
            break
    return Peer(
        address,
        _scheme(headers) or connection.scheme,
        ", ".join([*chain, connection.address]).encode("latin-1"),
        _host(headers),
        _certificate(headers),
        trusted=True,
    )


def _scheme(headers: Sequence[Header]) -> str:
    values = header_values(headers, b"x-forwarded-proto")
    scheme = values[-1].strip().lower().decode("latin-1") if values else ""
    return scheme if scheme in ("http", "https") else ""


def _host(headers: Sequence[Header]) -> bytes | None:
    values = header_values(headers, b"x-forwarded-host")
    return values[-1] if values and valid_host(values[-1]) else None


def _certificate(headers: Sequence[Header]) -> bytes | None:
    """RFC 9440 section 2.2: the certificate in DER, as one byte sequence (RFC 8941 section 3.3.5)."""
    values = header_values(headers, b"client-cert")
    if len(values) != 1:
        return None
    text = values[0].strip()
    if len(text) < _COLONS or text[:1] != b":" or text[-1:] != b":":
        return None
    try:
        return base64.b64decode(text[1:-1], validate=True) or None
    except binascii.Error:
        return None


def _addresses(values: Sequence[bytes]) -> list[str]:
    return [hop.strip().decode("latin-1") for value in values for hop in value.split(b",")]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
