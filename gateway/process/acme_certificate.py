"""`tls.acme`: the file of the certificate, and the certificates that answer tls-alpn-01 challenges."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder
from gateway.acme.progress import AcmeProgress
from gateway.clock import Clock
from gateway.config.certificate_files import TlsFileError, load_tls_files
from gateway.errors import StartError
from gateway.process.client_hello import ClientHello
from gateway.process.tls import base_context
from gateway.runtime.private_file import write_private_file

ACME_TLS = "acme-tls/1"
"""The protocol in ALPN by which authorities ask for the answer to a challenge (RFC 8737 section 4)."""


def acme_certificate(order: CertificateOrder, folder: AcmeFolder, clock: Clock) -> Path:
    """The file with the certificate and its key. Where there is none yet, a self-signed one is made.

    StartError if it can't be written.
    """
    file = folder.certificate(order)
    try:
        folder.create()
        if not _is_usable(file):
            # `cryptography` is slow to import.
            from gateway.process import self_signed  # noqa: PLC0415

            folder.keep(order, AcmeProgress())
            now = datetime.fromtimestamp(clock(), UTC)
            write_private_file(file, b"".join(self_signed.make(list(order.domains), now)))
    except OSError as error:
        raise StartError(f"can't keep a certificate in {folder.path}: {error.strerror or error}") from error
    return file


def _is_usable(file: Path) -> bool:
    try:
        load_tls_files(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), file, file)
    except TlsFileError:
        return False
    return True


class ChallengeContext(ssl.SSLContext):
    """For a handshake that answers a challenge. RFC 8737 section 3: no data follows it."""


class ClosingProtocol(asyncio.Protocol):
    """Closes a connection whose handshake was all that mattered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Closes it."""
        transport.close()


class ChallengeCertificates:
    """The certificates of pending challenges, for the domains of a listener."""

    def __init__(self, folder: AcmeFolder, orders: Iterable[CertificateOrder]) -> None:
        self._folder = folder
        self._domains = frozenset(domain for order in orders for domain in order.domains)

    def context_for(self, hello: ClientHello) -> ChallengeContext | None:
        """The context that answers a challenge; None for other handshakes, and where none is pending."""
        if hello.alpn != (ACME_TLS.encode(),) or hello.server_name not in self._domains:
            return None
        file = self._folder.challenge_certificate(hello.server_name)
        if not file.exists():
            return None
        context = base_context(ChallengeContext(ssl.PROTOCOL_TLS_SERVER))
        context.set_alpn_protocols([ACME_TLS])
        try:
            context.load_cert_chain(file)
        except OSError:  # the challenge has just ended
            return None
        return context
