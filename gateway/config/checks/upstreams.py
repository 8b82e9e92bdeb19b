"""Upstreams: servers that can stand in for each other, and TLS with all its files."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings
from gateway.config.upstreams import UNIX, UpstreamSettings, UpstreamTls

PORTS = {"http": 80, "https": 443}


def servers_once(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No upstream has the same server twice: a weight says that it takes more."""
    for name, upstream in settings.upstreams.items():
        first: dict[object, int] = {}
        for index, server in enumerate(upstream.servers):
            place = _place(server.url)
            if place in first:
                before = ("upstreams", name, "servers", first[place], "url")
                yield Finding(
                    ("upstreams", name, "servers", index, "url"),
                    "this server stands here twice: give it a weight instead",
                    first=before,
                )
            first.setdefault(place, index)


def base_paths_alike(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """Whichever server takes a request, the path that goes to it is the same."""
    for name, upstream in settings.upstreams.items():
        base = _base(upstream.servers[0].url)
        for index, server in enumerate(upstream.servers):
            if _base(server.url) != base:
                yield Finding(
                    ("upstreams", name, "servers", index, "url"),
                    "must have the same path as the upstream's other servers",
                    first=("upstreams", name, "servers", 0, "url"),
                    depends=(("upstreams", name, "servers", 0, "url"),),
                )


def tls_files_there(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """The files of an upstream's TLS exist, seen from the working directory."""
    for name, upstream in settings.upstreams.items():
        for key in ("ca", "certificate", "key"):
            file = getattr(upstream.tls, key, None)
            if file is not None and not surroundings.is_file(file):
                yield Finding(("upstreams", name, "tls", key), "there is no such file")


def all_has_effect(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """Nothing is said that makes no difference."""
    for name, upstream in settings.upstreams.items():
        if upstream.balance != "hash" and upstream.hash_by != "client":
            yield Finding(
                ("upstreams", name, "hash_by"),
                "has no effect, since balance is not hash",
                depends=(("upstreams", name, "balance"),),
            )
        if upstream.tls is not None:
            for key, text in _without_effect(upstream, upstream.tls):
                yield Finding(
                    ("upstreams", name, "tls", *key), text, depends=(("upstreams", name, "servers"),)
                )


def _without_effect(upstream: UpstreamSettings, tls: UpstreamTls) -> Iterator[tuple[tuple[str, ...], str]]:
    if not any(server.url.startswith("https:") for server in upstream.servers):
        yield (), "has no effect, since no server is https"
    if tls.key is not None and tls.certificate is None:
        yield ("key",), "has no effect without a certificate"
    if tls.ca is not None and not tls.verify:
        yield ("ca",), "has no effect, since verify is false"


def _place(url: str) -> object:
    if url.startswith(UNIX):
        return url.removeprefix(UNIX).removeprefix("//")
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]


def _base(url: str) -> str:
    return "" if url.startswith(UNIX) else urlsplit(url).path.rstrip("/")
