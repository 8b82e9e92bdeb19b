"""TLS for the listeners: what is offered, and what is wrong with the files where something is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import StartError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The PEM files of one listener."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """Whose client certificates are asked for and checked. A client may still come without one."""


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 and later, HTTP/1.1 only. StartError names the file that can't be used, and why."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # RFC 9325 section 3.4: renegotiation is where TLS 1.2 was attacked.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    _readable(files.certificate, files.key)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise StartError(
            f"{files.certificate} and {files.key} are not a certificate and its key: {_reason(error)}"
        ) from error
    if files.client_ca is not None:
        _ask_for_client_certificates(context, files.client_ca)
    return context


def _ask_for_client_certificates(context: ssl.SSLContext, client_ca: Path) -> None:
    _readable(client_ca)
    try:
        context.load_verify_locations(client_ca)
    except ssl.SSLError as error:
        raise StartError(f"{client_ca} holds no usable CA certificate: {_reason(error)}") from error
    context.verify_mode = ssl.CERT_OPTIONAL
    # Newer Pythons would take what is no CA for one, and ask for key identifiers that private CAs lack.
    for name in ("VERIFY_X509_PARTIAL_CHAIN", "VERIFY_X509_STRICT"):
        context.verify_flags &= ~getattr(ssl, name, 0)


def _readable(*paths: Path) -> None:
    for path in paths:
        try:
            path.open("rb").close()
        except OSError as error:
            raise StartError(f"can't read {path}: {error.strerror}") from error


def _no_password() -> str:
    # Without this, OpenSSL would ask on the terminal and wait.
    raise ValueError("the key is locked with a password")


def _reason(error: Exception) -> str:
    return (error.reason if isinstance(error, ssl.SSLError) else None) or str(error)
