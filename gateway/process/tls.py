"""Server-side TLS contexts."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.config.certificate_files import CertificateFacts, TlsFileError, load_tls_files
from gateway.config.tls_parameters import TLS_1_2_CIPHERS
from gateway.errors import StartError
from gateway.process.tls_groups import set_groups

HTTP_1, HTTP_2 = ("http/1.1",), ("h2",)


@dataclass(frozen=True, slots=True)
class ServerTlsFiles:
    """The PEM files of one certificate."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    """CA bundle for client certificates. They are requested and verified, but optional."""
    protocols: tuple[str, ...] = HTTP_1
    """What is spoken there (ALPN, RFC 7301)."""


def server_context(files: ServerTlsFiles) -> ssl.SSLContext:
    """TLS 1.2 and later as in Mozilla's intermediate configuration.

    StartError names the file that can't be used, and why.
    """
    return load_context(files)[0]


def load_context(files: ServerTlsFiles) -> tuple[ssl.SSLContext, CertificateFacts]:
    """The context of `server_context`, and what its certificate says. StartError as there."""
    context = base_context(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    context.set_alpn_protocols(list(files.protocols))
    _check_readable(*(path for path in (files.certificate, files.key, files.client_ca) if path is not None))
    try:
        facts = load_tls_files(context, files.certificate, files.key, files.client_ca)
    except TlsFileError as error:
        raise StartError(f"{getattr(files, error.key)} {error.reason}") from error
    return context, facts


Context = TypeVar("Context", bound=ssl.SSLContext)


def base_context(context: Context) -> Context:
    """Gives a context the versions, ciphers and options that all have."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(TLS_1_2_CIPHERS))
    set_groups(context)
    # RFC 9325 section 3.4: renegotiation in TLS 1.2 allows attacks.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _check_readable(*paths: Path) -> None:
    for path in paths:
        try:
            path.open("rb").close()
        except OSError as error:
            raise StartError(f"can't read {path}: {error.strerror}") from error
