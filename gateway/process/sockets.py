"""Listening sockets and TLS contexts from the configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from gateway.acme.folder import AcmeFolder
from gateway.acme.order import order_of
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.server import ListenSettings
from gateway.config.tls import TlsAcme, TlsFiles
from gateway.process.acme_certificate import ChallengeCertificates, acme_certificate
from gateway.process.auto_certificate import auto_certificate
from gateway.process.certificates import Certificates, TlsListener
from gateway.process.listeners import ListenAddress, ListenSocket
from gateway.process.tls import HTTP_2, ServerTlsFiles


@dataclass(frozen=True, slots=True)
class ListenSockets:
    """The listening sockets of one configuration, which the next one may share."""

    public: list[ListenSocket]
    management: ListenSocket | None

    @property
    def all(self) -> list[ListenSocket]:
        return [*self.public, self.management] if self.management else self.public

    def with_tls(
        self, settings: Settings, certificates: Certificates, clock: Clock
    ) -> list[tuple[ListenSocket, TlsListener | None]]:
        """The public listeners with their certificates, which are watched from now on."""
        found = [
            (listener, tls_listener(listen_settings, settings, certificates, clock))
            for listener, listen_settings in zip(self.public, settings.server.listen, strict=True)
        ]
        certificates.watch(files for _, tls in found if tls is not None for files in tls.files)
        return found


def public_addresses(settings: Settings) -> list[ListenAddress]:
    """The addresses of `server.listen`."""
    return [
        ListenAddress(
            entry.host,
            entry.port or 0,
            entry.tls is not None,
            entry.unix,
            entry.mode,
            http=entry.http,
            grpc=entry.ext_authz is not None,
        )
        for entry in settings.server.listen
    ]


def management_address(settings: Settings) -> ListenAddress | None:
    """The address of `management`; None if there is no management listener."""
    listen_settings = settings.management
    return ListenAddress(listen_settings.host, listen_settings.port) if listen_settings else None


def tls_listener(
    listen_settings: ListenSettings, settings: Settings, certificates: Certificates, clock: Clock
) -> TlsListener | None:
    """The certificates of a listener; None for plain HTTP. StartError if the files can't be used."""
    if listen_settings.tls is None:
        return None
    state_dir, challenges = settings.server.state_dir, None
    if listen_settings.tls == "auto":
        host = urlsplit(settings.server.public_url).hostname
        all_files = [ServerTlsFiles(*auto_certificate(state_dir, host, clock))]
    else:
        given = listen_settings.certificates.values()
        all_files = [_tls_files(each, AcmeFolder(state_dir), clock) for each in given]
        challenges = _challenges(listen_settings, AcmeFolder(state_dir))
    if listen_settings.ext_authz is not None:
        all_files = [replace(files, protocols=HTTP_2) for files in all_files]
    for files in all_files:
        certificates.load(files)
    return TlsListener(certificates, tuple(all_files), challenges)


def _tls_files(given: TlsFiles | TlsAcme, folder: AcmeFolder, clock: Clock) -> ServerTlsFiles:
    if isinstance(given, TlsFiles):
        return ServerTlsFiles(given.certificate, given.key, given.client_ca)
    file = acme_certificate(order_of(given.acme), folder, clock)
    return ServerTlsFiles(file, file, given.client_ca)


def _challenges(listen_settings: ListenSettings, folder: AcmeFolder) -> ChallengeCertificates | None:
    """The answers to tls-alpn-01 challenges on a listener; None where there are never any."""
    by_acme = [one.acme for one in listen_settings.certificates.values() if isinstance(one, TlsAcme)]
    orders = [order_of(one) for one in by_acme if one.challenge == "tls-alpn-01"]
    return ChallengeCertificates(folder, orders) if orders else None
