"""Client certificates must not be CA certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.clients import ClientSettings
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.jose.jwk import PublicKey, parse_jwks, read_jwks, thumbprint_of
from gateway.runtime.give_way import giving_way


def no_client_is_a_ca(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """A client's self-signed certificate may be listed in client_ca, but must not be a CA certificate.

    Otherwise its owner could issue certificates with the subjects of other clients.
    """
    owners = {
        key.thumbprint: client.id for client in giving_way(settings.clients) for key in _keys(client, context)
    }
    for path, file in _client_cas(settings):
        for certificate in _certificates(file, context) if owners else ():
            owner = owners.get(thumbprint_of(certificate.public_key()) or "")
            if owner is not None and _is_ca(certificate):
                yield CheckFinding(
                    path,
                    f"has the CA certificate of client {owner}, which could issue those of other clients",
                )


def _client_cas(settings: Settings) -> Iterator[tuple[KeyPath, Path]]:
    for index, listener in enumerate(settings.server.listen):
        for path, files in listener.certificates.items():
            if files.client_ca is not None:
                yield ("server", "listen", index, *path, "client_ca"), files.client_ca


def _keys(client: ClientSettings, context: CheckContext) -> tuple[PublicKey, ...]:
    """The client's keys; empty if they can't be read, which another check reports."""
    try:
        if client.jwks_file is not None:
            return parse_jwks(context.read(client.jwks_file))
        return read_jwks(client.jwks) if client.jwks is not None else ()
    except (OSError, ValueError):
        return ()


def _certificates(file: Path, context: CheckContext) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(context.read(file))
    except (OSError, ValueError):
        return []


def _is_ca(certificate: x509.Certificate) -> bool:
    """RFC 5280 section 4.2.1.9. Certificates before v3 have no basicConstraints and count as CA."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.version is not x509.Version.v3
    except ValueError:
        return True
