"""Checks of certificates by ACME: whether the authority's challenges can be answered."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.acme import AcmeSettings
from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import client_tls_findings
from gateway.config.model import Settings
from gateway.config.problems import KeyPath

LIBRARY = "acme"


def acme_installed(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The extra with the ACME client is installed."""
    for path in settings.server.acme:
        if not context.installed(LIBRARY):
            yield CheckFinding(
                _key(path), "needs the extra acme, which isn't installed: pip install 'gatepost[acme]'"
            )


def acme_challenges_arrive(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Some listener gets the challenges."""
    for path, acme in settings.server.acme.items():
        plain = acme.challenge == "http-01"
        if acme.port in (_plain_ports(settings) if plain else _tls_ports(settings, acme)):
            continue
        kind = "without tls" if plain else "with this certificate"
        yield CheckFinding(
            _key(path, "challenge" if acme.challenge_port is None else "challenge_port"),
            f"{acme.challenge} needs a listener {kind} on port {acme.port}; if that port is forwarded to a"
            " listener's, name the listener's as challenge_port",
            depends=(("server", "listen"),),
        )


def acme_certificates_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """The file of a certificate is named by its first domain: there is one with that domain."""
    first: dict[str, tuple[KeyPath, AcmeSettings]] = {}
    for path, acme in settings.server.acme.items():
        before, known = first.setdefault(acme.domains[0], (path, acme))
        if known != acme:
            yield CheckFinding(
                _key(path, "domains", 0),
                "another certificate with other settings begins with this domain",
                first=_key(before, "domains", 0),
            )


def acme_cas_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The CAs of the directory are a file, relative to the working directory, with CAs."""
    for path, acme in settings.server.acme.items():
        yield from client_tls_findings(_key(path), context, acme.ca)


def _key(path: KeyPath, *rest: str | int) -> KeyPath:
    return ("server", "listen", *path, "acme", *rest)


def _plain_ports(settings: Settings) -> set[int | None]:
    return {one.port for one in settings.server.for_clients if one.tls is None and one.unix is None}


def _tls_ports(settings: Settings, acme: AcmeSettings) -> set[int | None]:
    listen = settings.server.listen
    return {listen[int(path[0])].port for path, one in settings.server.acme.items() if one == acme}
