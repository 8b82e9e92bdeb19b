"""The other end of a client connection: address, scheme and certificate."""

from __future__ import annotations

import asyncio
import ssl

from gateway.http.exchange import UNIX_SOCKET, Peer
from gateway.http.forwarded import direct_peer


def connection_peer(transport: asyncio.BaseTransport, announced: str | None = None) -> Peer:
    """The other end of a connection. `announced`: the address that a trusted proxy has put before it."""
    address = announced or _address_of(transport)
    if transport.get_extra_info("sslcontext") is None:
        return direct_peer(address, "http")
    return direct_peer(address, "https", certificate_of(transport))


def _address_of(transport: asyncio.BaseTransport) -> str:
    name = transport.get_extra_info("peername")
    return name[0] if isinstance(name, tuple) else UNIX_SOCKET


def certificate_of(transport: asyncio.BaseTransport) -> bytes | None:
    """The client's TLS certificate in DER, where it has one. TLS accepts only verified ones."""
    tls = transport.get_extra_info("ssl_object")
    if tls is None or tls.context.verify_mode is ssl.CERT_NONE:
        return None
    certificate: bytes | None = tls.getpeercert(binary_form=True)
    return certificate
