"""Listeners: no two want the same port, and their certificates are there."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings
from gateway.config.problem import KeyPath
from gateway.config.server import TlsFiles

IPV4_ALL = "0.0.0.0"  # noqa: S104 (compared, not bound)
IPV6_ALL = "::"


def ports_once(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """Every listener can have its port. Port 0 is any free one."""
    taken: list[tuple[KeyPath, str, int]] = []
    for path, host, port in _addresses(settings):
        before = next((other for other, at, number in taken if number == port and _overlap(host, at)), None)
        if port and before is not None:
            yield Finding(
                (*path, "port"),
                "another listener has this port",
                first=(*before, "port"),
                depends=((*path, "host"), (*before, "host"), (*path, "port")),
            )
        taken.append((path, host, port))


def tls_files_there(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """The files that a listener's TLS needs exist, seen from the working directory."""
    for index, listener in enumerate(settings.server.listen):
        if not isinstance(listener.tls, TlsFiles):
            continue
        for name in ("certificate", "key", "client_ca"):
            file = getattr(listener.tls, name)
            if file is not None and not surroundings.is_file(file):
                yield Finding(("server", "listen", index, "tls", name), "there is no such file")


def _addresses(settings: Settings) -> Iterator[tuple[KeyPath, str, int]]:
    for index, listener in enumerate(settings.server.listen):
        yield ("server", "listen", index), listener.host, listener.port
    if settings.management is not None:
        yield ("management",), settings.management.host, settings.management.port


def _overlap(one: str, other: str) -> bool:
    """Whether two hosts can't have the same port. IPv6 sockets take no IPv4 connections here."""
    if one == other:
        return True
    if {one, other} == {IPV4_ALL, IPV6_ALL}:
        return False
    six = ":" in one or ":" in other
    return (IPV6_ALL if six else IPV4_ALL) in (one, other)
