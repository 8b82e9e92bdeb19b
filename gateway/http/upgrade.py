"""Whether a request asks for another protocol, and may (RFC 9110 section 7.8)."""

from __future__ import annotations

import re
from typing import Final

from gateway.http.exchange import Header, Headers, RequestHead, ResponseHead, header_values
from gateway.http.request_head import content_length
from gateway.http.token_syntax import TOKEN

# With these the connection would go on speaking HTTP, past every check: no rule could see the requests in it.
_HTTP_AGAIN: Final = re.compile(rb"h2c?\Z|http/|tls/", re.IGNORECASE)
_PROTOCOL: Final = re.compile(rf"{TOKEN}(?:/{TOKEN})?\Z".encode())


def asked_upgrade(request: RequestHead) -> bytes | None:
    """The protocol that the client asks for and may have; None: the request is answered as HTTP.

    Section 7.8: Upgrade is ignored in HTTP/1.0, and where Connection does not name it.
    """
    values = request.values(b"upgrade")
    if not values or request.version < (1, 1) or not _names_upgrade(request):
        return None
    if content_length(request.headers) or request.values(b"transfer-encoding"):
        return None
    protocols = [protocol.strip() for value in values for protocol in value.split(b",")]
    if len(protocols) != 1 or not _PROTOCOL.match(protocols[0]) or _HTTP_AGAIN.match(protocols[0]):
        return None
    return protocols[0]


def upgrade_lines(protocol: bytes) -> bytes:
    """The header lines that ask the upstream for the protocol."""
    return b"Connection: Upgrade\r\nUpgrade: %s\r\n" % protocol


def upgraded_headers(response: ResponseHead, asked: bytes) -> Headers:
    """The header of a 101 that say which protocol it is from here on."""
    agreed = header_values(response.headers, b"upgrade")
    named: Header = (b"Upgrade", agreed[0] if agreed else asked)
    return [(b"Connection", b"Upgrade"), named]


def _names_upgrade(request: RequestHead) -> bool:
    options = (option for value in request.values(b"connection") for option in value.split(b","))
    return any(option.strip().lower() == b"upgrade" for option in options)
