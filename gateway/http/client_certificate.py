"""The client's TLS certificate as a trusted proxy tells of it: one header, in the form of its proxy."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from urllib.parse import unquote_to_bytes

from gateway.http.exchange import Header, header_values

CLIENT_CERT = "client-cert"
XFCC = "x-forwarded-client-cert"
UNVERIFIED = "x-amzn-mtls-clientcert"
"""AWS's load balancer sets it where it does not verify certificates."""
LONGEST = 32_768
"""Bytes of a header's value."""
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]++)-----END CERTIFICATE-----")
# Envoy: elements parted by commas, pairs by semicolons; values with either are quoted.
_XFCC_PAIR = re.compile(rb'([A-Za-z]++)=("(?:[^"\\]|\\.)*+"|[^",;]*+)([,;]|\Z)')

CertificateReader = Callable[[Sequence[Header]], bytes | None]
"""The certificate in DER that the headers of a request tell of, or None."""


def certificate_reader(header: str) -> CertificateReader:
    """Reads the certificate from the header of this name, and from no other."""
    name = header.lower().encode()
    parse = {CLIENT_CERT: _byte_sequence, XFCC: _envoy}.get(header.lower(), escaped_pem)

    def read(headers: Sequence[Header]) -> bytes | None:
        values = header_values(headers, name)
        # Two of them: one may be the client's own, passed through.
        return parse(values[0].strip()) if len(values) == 1 and len(values[0]) <= LONGEST else None

    return read


def _byte_sequence(text: bytes) -> bytes | None:
    """RFC 9440 section 2.2: the DER as one byte sequence (RFC 8941 section 3.3.5), base64 between colons."""
    colons = 2
    if len(text) < colons or text[:1] != b":" or text[-1:] != b":":
        return None
    return _base64(text[1:-1])


def escaped_pem(text: bytes) -> bytes | None:
    """nginx's `$ssl_client_escaped_cert`, AWS's leaf header: a percent-encoded PEM. `+` stands for itself."""
    found = _PEM.search(unquote_to_bytes(text))
    return None if found is None else _base64(b"".join(found[1].split()))


def _envoy(text: bytes) -> bytes | None:
    """Envoy's XFCC: the `Cert` of the last element, which the proxy next to the gateway has added."""
    certificate: bytes | None = None
    place, seen = 0, False
    while place < len(text):
        pair = _XFCC_PAIR.match(text, place)
        if pair is None:
            return None
        if pair[1].lower() == b"cert":
            if seen:
                return None
            seen, certificate = True, escaped_pem(pair[2].strip(b'"'))
        place = pair.end()
        if pair[3] == b",":
            certificate, seen = None, False
            place += len(text[place:]) - len(text[place:].lstrip())
    return certificate


def _base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except binascii.Error:
        return None
