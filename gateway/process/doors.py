"""What the configuration says about listening, turned into sockets and TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.server import ListenSettings
from gateway.errors import StartError
from gateway.process.certificate import own_certificate
from gateway.process.listeners import Address, Listener, listen
from gateway.process.tls import TlsFiles, server_context
from gateway.process.workers import worker_count


@dataclass(frozen=True, slots=True)
class Doors:
    """All sockets of this gateway. They stay open while configurations and workers come and go."""

    public: list[Listener]
    management: Listener | None

    @property
    def all(self) -> list[Listener]:
        return [*self.public, self.management] if self.management else self.public

    def with_tls(self, settings: Settings, clock: Clock) -> list[tuple[Listener, ssl.SSLContext | None]]:
        """The public listeners, each with its TLS as the files are now."""
        return [
            (listener, tls_context(asked, settings, clock))
            for listener, asked in zip(self.public, settings.server.listen, strict=True)
        ]


@contextmanager
def open_doors(settings: Settings) -> Iterator[Doors]:
    """Binds every socket, or none: StartError says which can't be had."""
    addresses = public_addresses(settings)
    management = management_address(settings)
    public = listen(addresses, worker_count(settings))
    try:
        # One socket: whichever worker is awake answers for all of them.
        doors = Doors(public, listen([management])[0] if management else None)
    except StartError:
        _close(public)
        raise
    try:
        yield doors
    finally:
        _close(doors.all)


def _close(listeners: list[Listener]) -> None:
    for listener in listeners:
        listener.close()


def public_addresses(settings: Settings) -> list[Address]:
    """Where callers come in."""
    return [Address(asked.host, asked.port, asked.tls is not None) for asked in settings.server.listen]


def management_address(settings: Settings) -> Address | None:
    """Where health and metrics are shown; None where nowhere."""
    asked = settings.management
    return Address(asked.host, asked.port) if asked else None


def tls_context(asked: ListenSettings, settings: Settings, clock: Clock) -> ssl.SSLContext | None:
    """TLS for one listener; None where it is plain. StartError where the files do not serve."""
    if asked.tls is None:
        return None
    if asked.tls == "auto":
        host = urlsplit(settings.server.public_url).hostname
        return server_context(TlsFiles(*own_certificate(settings.server.state_dir, host, clock)))
    return server_context(TlsFiles(asked.tls.certificate, asked.tls.key, asked.tls.client_ca))
