"""Checks of `upstreams`: interchangeable servers, existing TLS files, effective keys."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import client_tls_findings
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.upstreams import SRV, UNIX, UpstreamConfig, UpstreamTls
from gateway.runtime.give_way import giving_way

PORTS = {"http": 80, "https": 443}


def servers_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Servers of an upstream are distinct; use weight for a larger share."""
    for name, upstream in settings.upstreams.items():
        first: dict[object, int] = {}
        for index, server in enumerate(upstream.servers):
            place = _place(server.url)
            if place in first:
                before = ("upstreams", name, "servers", first[place], "url")
                yield CheckFinding(
                    ("upstreams", name, "servers", index, "url"),
                    "duplicate server: use weight instead",
                    first=before,
                )
            first.setdefault(place, index)


def base_paths_alike(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """All servers of an upstream have the same base path."""
    for name, upstream in settings.upstreams.items():
        base = _base(upstream.servers[0].url)
        for index, server in enumerate(upstream.servers):
            if _base(server.url) != base:
                yield CheckFinding(
                    ("upstreams", name, "servers", index, "url"),
                    "must have the same path as the upstream's other servers",
                    first=("upstreams", name, "servers", 0, "url"),
                    depends=(("upstreams", name, "servers", 0, "url"),),
                )


def tls_files_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """TLS files exist, relative to the working directory, and can be used. Those without effect are reported
    as such.
    """
    for name, upstream in settings.upstreams.items():
        tls = upstream.tls
        if tls is not None:
            ca = tls.ca if tls.verify else None
            key = None if tls.certificate is None else tls.key
            yield from client_tls_findings(("upstreams", name, "tls"), context, ca, tls.certificate, key)


def all_has_effect(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Keys without effect are rejected."""
    for name, upstream in settings.upstreams.items():
        if upstream.balance != "hash" and upstream.hash_by != "client":
            yield CheckFinding(
                ("upstreams", name, "hash_by"),
                "has no effect: balance is not hash",
                depends=(("upstreams", name, "balance"),),
            )
        if upstream.nameservers and not any(server.url.startswith(SRV) for server in upstream.servers):
            yield CheckFinding(
                ("upstreams", name, "nameservers"),
                "has no effect: no server is srv+http:// or srv+https://",
                depends=(("upstreams", name, "servers"),),
            )
        if upstream.tls is not None:
            for key, text in _without_effect(upstream, upstream.tls):
                yield CheckFinding(
                    ("upstreams", name, "tls", *key), text, depends=(("upstreams", name, "servers"),)
                )


def deadlines_for_calls(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """`timeouts.deadline` is for calls of gRPC."""
    for name, upstream in settings.upstreams.items():
        if upstream.protocol == "http" and upstream.timeouts.deadline is not None:
            path: KeyPath = ("upstreams", name, "timeouts", "deadline")
            yield CheckFinding(
                path, "has no effect: protocol is not grpc", depends=(("upstreams", name, "protocol"),)
            )


def health_ports_there(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """A Unix socket has no port that could be checked."""
    for name, upstream in settings.upstreams.items():
        port = None if upstream.health is None else upstream.health.port
        if port is not None and any(server.url.startswith(UNIX) for server in upstream.servers):
            yield CheckFinding(
                ("upstreams", name, "health", "port"),
                "can't be checked: a server is a Unix socket",
                depends=(("upstreams", name, "servers"),),
            )


def one_kind_of_credentials(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """`auth` has exactly one kind."""
    for name, upstream in settings.upstreams.items():
        if upstream.auth is not None and len(upstream.auth.kinds) != 1:
            where: KeyPath = ("upstreams", name, "auth")
            text = "must have exactly one of client_credentials, basic and header"
            yield CheckFinding(where, text, depends=(where,))


def credentials_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """The client's Authorization can't be forwarded where the gateway shows its own."""
    for index, route in enumerate(giving_way(settings.routes)):
        upstream = settings.upstreams.get(route.upstream or "")
        auth = None if upstream is None else upstream.auth
        if auth is not None and route.forward_token and auth.header_name.lower() == "authorization":
            path: KeyPath = ("routes", index, "forward_token")
            text = "has no effect: the upstream gets the gateway's own credentials (auth)"
            yield CheckFinding(path, text, depends=(("upstreams", route.upstream or "", "auth"),))


def _without_effect(upstream: UpstreamConfig, tls: UpstreamTls) -> Iterator[tuple[tuple[str, ...], str]]:
    if not any(server.url.startswith(("https:", "srv+https:")) for server in upstream.servers):
        yield (), "has no effect, since no server is https"
    if tls.key is not None and tls.certificate is None:
        yield ("key",), "has no effect without a certificate"
    if tls.ca is not None and not tls.verify:
        yield ("ca",), "has no effect, since verify is false"


def _place(url: str) -> object:
    if url.startswith(UNIX):
        return url.removeprefix(UNIX).removeprefix("//")
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def _base(url: str) -> str:
    return "" if url.startswith(UNIX) else urlsplit(url).path.rstrip("/")
