"""What a client's TLS certificate says of it (RFC 8705). TLS or a trusted proxy has verified it before."""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Callable, Sequence
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from gateway.jose.jwk import PublicKey, encode, thumbprint_of
from gateway.oauth.certificate_subject import subject_name
from gateway.runtime.caches import MIB, cached, cached_by_size, register


def certificate_thumbprint(der: bytes) -> str:
    """RFC 8705 section 3.1: the `x5t#S256` of a certificate."""
    return encode(sha256(der).digest())


_SUBJECTS = register(
    "matches of certificates and subjects", __name__, entries=256, key_bytes=4096, total_bytes=2 * MIB
)
_KEYS = register("keys of client certificates", __name__, entries=256, key_bytes=4096, total_bytes=2 * MIB)


def _subject_size(der: bytes, kind: str, expected: str) -> int:
    return len(der) + len(kind) + len(expected)


# Not the parsed certificate is cached: one of 4 kB with many names takes 100 kB.
@cached_by_size(_SUBJECTS, _subject_size)
def has_subject(der: bytes, kind: str, expected: str) -> bool:
    """Whether the certificate is for the subject that a client is registered with.

    A self-signed one never is: its owner has chosen the name, and nobody vouches for it.
    """
    certificate = _parsed(der)
    match = _MATCHES.get(kind)
    try:
        if certificate is None or match is None or certificate.issuer == certificate.subject:
            return False
        return match(certificate, expected)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False


def has_key(der: bytes, keys: Sequence[PublicKey]) -> bool:
    """RFC 8705 section 2.2.2: whether the certificate's key is one that the client is registered with."""
    presented = _key_thumbprint(der)
    return presented is not None and any(known.thumbprint == presented for known in keys)


@cached(_KEYS)
def _key_thumbprint(der: bytes) -> str | None:
    """The thumbprint of the certificate's key (RFC 7638); None where it has none that is supported."""
    certificate = _parsed(der)
    try:
        return None if certificate is None else thumbprint_of(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm):
        return None


def _parsed(der: bytes) -> x509.Certificate | None:
    try:
        with warnings.catch_warnings():
            # What the library only puts up with for now is no certificate here.
            warnings.simplefilter("error")
            return x509.load_der_x509_certificate(der)
    except (ValueError, Warning):
        return None


def _same_name(certificate: x509.Certificate, expected: str) -> bool:
    return certificate.subject == subject_name(expected)


def _among(
    kind: type[x509.DNSName] | type[x509.UniformResourceIdentifier] | type[x509.RFC822Name],
) -> Callable[[x509.Certificate, str], bool]:
    lower = kind is x509.DNSName  # RFC 4343: names of hosts are compared without regard to case.

    def match(certificate: x509.Certificate, expected: str) -> bool:
        given: list[str] = [str(value) for value in _alternatives(certificate).get_values_for_type(kind)]
        return expected.lower() in [name.lower() for name in given] if lower else expected in given

    return match


def _same_address(certificate: x509.Certificate, expected: str) -> bool:
    return ipaddress.ip_address(expected) in _alternatives(certificate).get_values_for_type(x509.IPAddress)


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ValueError("no alternative names") from None


_MATCHES: dict[str, Callable[[x509.Certificate, str], bool]] = {
    "subject_dn": _same_name,
    "san_dns": _among(x509.DNSName),
    "san_uri": _among(x509.UniformResourceIdentifier),
    "san_email": _among(x509.RFC822Name),
    "san_ip": _same_address,
}
