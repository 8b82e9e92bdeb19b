"""The header in which the edge tells of the client of each request.

The edge (Envoy, started by the gateway) ends TLS, HTTP/2 and HTTP/3, and hands requests on by a Unix socket
that only this user can reach. The header's name is a secret of this run: nobody else knows what to forge.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote_to_bytes

from gateway.http.exchange import Peer
from gateway.runtime.caches import MIB, cached, register

_PEERS = register("peers at the edge", __name__, entries=512, key_bytes=4096, total_bytes=6 * MIB)
_VERSIONS = {b"HTTP/1.0": (1, 0), b"HTTP/1.1": (1, 1), b"HTTP/2": (2, 0), b"HTTP/3": (3, 0)}
_QUESTION = b"question-"
"""Stands before the scheme where the edge asks about a request."""
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]++)-----END CERTIFICATE-----")
_WEBSOCKET = re.compile(rb"\r\nupgrade: *websocket\r\n", re.IGNORECASE)
_WEBSOCKET_KEY = re.compile(rb"\r\nsec-websocket-key:", re.IGNORECASE)


class EdgeHeaderError(ValueError):
    """A request that does not come from the edge. The text says why."""


@dataclass(frozen=True, slots=True)
class EdgeHeader:
    """What the edge adds to each request, and nobody else can."""

    name: str
    """In lower case; random for each start."""

    def value(self, scheme: str) -> str:
        """The value, in the format strings of Envoy."""
        return f"{scheme} %PROTOCOL% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_PEER_CERT%"

    def question(self, scheme: str) -> str:
        """The same for a question: what the edge is to do with the client's request."""
        return _QUESTION.decode() + self.value(scheme)

    def take(self, head: bytes) -> tuple[Peer, bytes]:
        """The client, and the head without the header. `head` ends with the empty line."""
        marker = b"\r\n%s: " % self.name.encode()
        before, found, rest = head.partition(marker)
        if not found or marker in rest:
            raise EdgeHeaderError("it does not tell of its client")
        value, _, after = rest.partition(b"\r\n")
        return _peer(value.strip()), b"%s\r\n%s" % (before, after)


@cached(_PEERS)
def _peer(value: bytes) -> Peer:
    """One for all requests of a client: so that it is seen at once that they are the same."""
    scheme, version, address, certificate = (*value.split(b" ", 3), b"", b"", b"")[:4]
    asking = scheme.startswith(_QUESTION)
    scheme = scheme.removeprefix(_QUESTION)
    if scheme not in (b"http", b"https") or version not in _VERSIONS:
        raise EdgeHeaderError("what it tells of its client can't be read")
    try:
        found = ip_address(address.decode("latin-1").strip("[]"))
    except ValueError:
        raise EdgeHeaderError("the address of its client can't be read") from None
    shown = str(getattr(found, "ipv4_mapped", None) or found)
    return Peer(
        shown,
        scheme.decode(),
        shown.encode(),
        None,
        _certificate(certificate) if certificate else None,
        version=_VERSIONS[version],
        asking=asking,
    )


def _certificate(text: bytes) -> bytes:
    """The DER of a percent-encoded PEM."""
    found = _PEM.search(unquote_to_bytes(text))
    if found is None:
        raise EdgeHeaderError("the certificate of its client can't be read")
    return base64.b64decode(found[1])


def with_websocket_key(head: bytes, key: bytes) -> bytes:
    """The head of a WebSocket that was opened by HTTP/2 or HTTP/3, with the key that upstreams want.

    RFC 8441 section 5.1: such clients send none. `head` ends with the empty line.
    """
    if not _WEBSOCKET.search(head) or _WEBSOCKET_KEY.search(head):
        return head
    return b"%sSec-WebSocket-Key: %s\r\n\r\n" % (head[:-2], key)
