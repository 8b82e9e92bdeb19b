"""Whether certificates, keys and CAs can be used by a TLS server, or by the gateway as a TLS client."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509

TlsFileKey = Literal["certificate", "key", "client_ca", "ca"]


class TlsFileError(ValueError):
    """A file that can't be used. `key` is its key in the configuration, `reason` says why."""

    def __init__(self, key: TlsFileKey, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What is in a certificate."""

    names: frozenset[str]
    """DNS names and IP addresses of subjectAltName, in lower case; wildcards as they stand."""
    not_before: float
    """Seconds since the epoch."""
    not_after: float
    """Seconds since the epoch."""


def read_certificate(pem: bytes) -> CertificateFacts:
    """The facts of the first certificate of a PEM file. TlsFileError if one of them can't be parsed.

    The whole chain is parsed: OpenSSL would take a file that ends within an intermediate certificate.
    """
    begins, ends = pem.count(b"-----BEGIN "), pem.count(b"-----END ")
    if not begins or begins != ends or pem.count(b"-----") != 2 * (begins + ends):
        raise TlsFileError("certificate", "holds no complete PEM certificate")
    try:
        leaf = x509.load_pem_x509_certificates(pem)[0]
        return CertificateFacts(
            _names(leaf), leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
        )
    except ValueError as error:
        raise TlsFileError("certificate", "holds a certificate that can't be parsed") from error


def load_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Gives a context a certificate and its key; None: it is in the certificate's file. TlsFileError if they
    can't be used together.
    """
    try:
        context.load_cert_chain(certificate, key, password=_reject_passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsFileError("key", f"is not the key of {certificate}") from error
        raise TlsFileError("key", f"can't be used with {certificate}: {error.reason or error}") from error
    except ValueError as error:
        raise TlsFileError("key", "is encrypted with a passphrase") from error
    except OSError as error:
        raise TlsFileError("key", f"can't be read: {error.strerror}") from error


def load_client_cas(context: ssl.SSLContext, client_ca: Path) -> None:
    """Requests client certificates, and verifies those that come. TlsFileError if there are no CAs."""
    _load_cas(context, "client_ca", client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    # Python 3.13 turns these on: partial chains would accept a non-CA as trust anchor, and strict mode
    # rejects private CAs without key identifiers.
    for name in ("VERIFY_X509_PARTIAL_CHAIN", "VERIFY_X509_STRICT"):
        context.verify_flags &= ~getattr(ssl, name, 0)


def load_tls_files(
    context: ssl.SSLContext, certificate: Path, key: Path, client_ca: Path | None = None
) -> CertificateFacts:
    """Gives a context the files of a listener. TlsFileError says which of them can't be used."""
    facts = _load_certificate(context, certificate, key)
    if client_ca is not None:
        load_client_cas(context, client_ca)
    return facts


def load_client_files(
    context: ssl.SSLContext, ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> None:
    """Gives a client's context the CAs it trusts, and its certificate with the key, which may be in the same
    file. TlsFileError says which of them can't be used.
    """
    if ca is not None:
        _load_cas(context, "ca", ca)
    if certificate is not None:
        _load_certificate(context, certificate, key)


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> CertificateFacts:
    try:
        facts = read_certificate(certificate.read_bytes())
    except OSError as error:
        raise TlsFileError("certificate", f"can't be read: {error.strerror}") from error
    load_pair(context, certificate, key)
    return facts


def _load_cas(context: ssl.SSLContext, key: TlsFileKey, file: Path) -> None:
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise TlsFileError(key, f"holds no usable CA certificate: {error.reason or error}") from error
    except OSError as error:
        raise TlsFileError(key, f"can't be read: {error.strerror}") from error


def _names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    kinds = (x509.DNSName, x509.IPAddress)
    return frozenset(str(name.value).lower() for name in found if isinstance(name, kinds))


def _reject_passphrase() -> str:
    # Without a callback OpenSSL would prompt on the terminal.
    raise ValueError("encrypted")
