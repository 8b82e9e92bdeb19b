"""Certificates of clients: nobody is made a CA by accident."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.clients import ClientSettings
from gateway.config.model import Settings
from gateway.config.server import TlsFiles
from gateway.jwk import PublicKey, parse_jwks, read_jwks, thumbprint_of


def no_client_is_a_ca(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """A client's self-signed certificate may stand among the CAs, but must not be one.

    Else its owner could make certificates with the names of other clients.
    """
    owners = {key.thumbprint: client.id for client in settings.clients for key in _keys(client, surroundings)}
    for index, listener in enumerate(settings.server.listen):
        file = listener.tls.client_ca if isinstance(listener.tls, TlsFiles) else None
        for certificate in _certificates(file, surroundings) if file is not None and owners else ():
            owner = owners.get(thumbprint_of(certificate.public_key()) or "")
            if owner is not None and _is_ca(certificate):
                yield Finding(
                    ("server", "listen", index, "tls", "client_ca"),
                    f"the certificate of client {owner} in it is a CA, so it could make those of others",
                )


def _keys(client: ClientSettings, surroundings: Surroundings) -> tuple[PublicKey, ...]:
    """The client's keys; none where they can't be read, which is told elsewhere."""
    try:
        if client.jwks_file is not None:
            return parse_jwks(surroundings.read(client.jwks_file))
        return read_jwks(client.jwks) if client.jwks is not None else ()
    except (OSError, ValueError):
        return ()


def _certificates(file: Path, surroundings: Surroundings) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(surroundings.read(file))
    except (OSError, ValueError):
        return []


def _is_ca(certificate: x509.Certificate) -> bool:
    """RFC 5280 section 4.2.1.9. One of an old version can't say that it is none, and so counts as one."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.version is not x509.Version.v3
    except ValueError:
        return True
