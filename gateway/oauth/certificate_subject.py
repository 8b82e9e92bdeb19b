"""Names of clients in TLS certificates, as they are registered (RFC 8705 section 2.1.2)."""

from __future__ import annotations

import ipaddress

from cryptography import x509

from gateway.runtime.caches import MIB, cached, register

KINDS = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
"""A client is registered with exactly one of these."""
_OIDS = {"emailAddress": x509.NameOID.EMAIL_ADDRESS, "serialNumber": x509.NameOID.SERIAL_NUMBER}
"""Attribute types that RFC 4514 has no short name for, as programs write them."""


def check_subject(kind: str, expected: str) -> str:
    """The value that a client is to be registered with; ValueError where no certificate could match it."""
    if kind == "subject_dn":
        subject_name(expected)
    elif kind == "san_ip":
        try:
            ipaddress.ip_address(expected)
        except ValueError:
            raise ValueError("must be an IP address") from None
    elif not expected or not expected.isascii() or " " in expected:
        raise ValueError("must be ASCII without spaces, as it stands in the certificate")
    return expected


_SUBJECTS = register("subjects of certificates", __name__, entries=128, key_bytes=256, total_bytes=5 * MIB)


@cached(_SUBJECTS)
def subject_name(text: str) -> x509.Name:
    """RFC 4514: the most specific part comes first, as in CN=shop,O=Example,C=DE."""
    try:
        name = x509.Name.from_rfc4514_string(text, _OIDS)
    except (ValueError, KeyError, IndexError, OverflowError):
        name = None
    if name is None or not name.rdns:
        raise ValueError("must be a name such as CN=shop,O=Example,C=DE (RFC 4514)")
    return name
