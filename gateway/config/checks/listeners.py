"""Checks of listeners: distinct ports, existing TLS files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.tls import TlsAcme, TlsFiles
from gateway.http.exchange import UNIX_SOCKET

IPV4_ALL = "0.0.0.0"  # noqa: S104 (compared, not bound)
IPV6_ALL = "::"


def ports_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Listeners don't share an address and port. Port 0 never conflicts."""
    taken: list[tuple[KeyPath, str, int]] = []
    for path, host, port in _addresses(settings):
        before = next((other for other, at, number in taken if number == port and _overlap(host, at)), None)
        if port and before is not None:
            yield CheckFinding(
                (*path, "port"),
                "another listener has this port",
                first=(*before, "port"),
                depends=((*path, "host"), (*before, "host"), (*path, "port")),
            )
        taken.append((path, host, port))


def unix_sockets_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Listeners don't share the path of a Unix socket."""
    taken: dict[Path, KeyPath] = {}
    for index, listener in enumerate(settings.server.listen):
        if listener.unix is None:
            continue
        path = ("server", "listen", index, "unix")
        first = taken.setdefault(listener.unix.absolute(), path)
        if first != path:
            yield CheckFinding(path, "another listener has this path", first=first)


def proxies_may_connect(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """With the PROXY protocol there is a proxy that may connect."""
    trusted = settings.server.trusted_proxies
    for index, listener in enumerate(settings.server.listen):
        if not listener.proxy_protocol:
            continue
        path = ("server", "listen", index, "proxy_protocol")
        depends = (("server", "trusted_proxies"),)
        if listener.unix is not None and UNIX_SOCKET not in trusted:
            yield CheckFinding(
                path, 'nobody may connect: server.trusted_proxies lacks "unix:"', depends=depends
            )
        elif listener.unix is None and not set(trusted) - {UNIX_SOCKET}:
            yield CheckFinding(
                path, "nobody may connect: server.trusted_proxies names no network", depends=depends
            )


def asking_proxies_seen(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Proxies that must show a certificate can show one."""
    server = settings.server
    cas = (files.client_ca for one in server.listen for files in one.certificates.values())
    if server.forward_auth.tls_client_auth is not None and not any(cas):
        path = ("server", "forward_auth", "tls_client_auth")
        text = "no proxy can present a certificate: no listener has client_ca"
        yield CheckFinding(path, text, depends=(("server", "listen"),))


def redirects_lead_somewhere(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Redirects to https have a port to lead to."""
    for index, listener in enumerate(settings.server.listen):
        if listener.redirect is not None and settings.server.https_port is None:
            yield CheckFinding(
                ("server", "listen", index, "redirect"),
                "leads nowhere: no listener has tls and a fixed port, and server.public_url has no https URL",
                depends=(("server", "listen"), ("server", "public_url")),
            )


def tls_files_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """TLS files exist, relative to the working directory."""
    for path, files in _certificates(settings):
        for name in _missing(files, context):
            yield CheckFinding((*path, name), "there is no such file")


def tls_files_usable(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The files are a certificate, its key and client CAs."""
    for path, files in _certificates(settings):
        problem = None if _missing(files, context) else context.tls_problem(files)
        if problem is not None:
            name, reason = problem
            yield CheckFinding((*path, name), reason)


def _certificates(settings: Settings) -> Iterator[tuple[KeyPath, TlsFiles | TlsAcme]]:
    for index, listener in enumerate(settings.server.listen):
        for path, files in listener.certificates.items():
            yield ("server", "listen", index, *path), files


def _missing(files: TlsFiles | TlsAcme, context: CheckContext) -> list[str]:
    given = {name: getattr(files, name, None) for name in ("certificate", "key", "client_ca")}
    return [name for name, file in given.items() if file is not None and not context.is_file(file)]


def _addresses(settings: Settings) -> Iterator[tuple[KeyPath, str, int]]:
    for index, listener in enumerate(settings.server.listen):
        if listener.port is not None:
            yield ("server", "listen", index), listener.host, listener.port
    if settings.management is not None:
        yield ("management",), settings.management.host, settings.management.port


def _overlap(one: str, other: str) -> bool:
    """Whether two hosts can't share a port. IPv6 sockets are IPV6_V6ONLY here."""
    if one == other:
        return True
    if {one, other} == {IPV4_ALL, IPV6_ALL}:
        return False
    six = ":" in one or ":" in other
    return (IPV6_ALL if six else IPV4_ALL) in (one, other)
