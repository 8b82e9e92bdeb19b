"""Issuers: each is another one, can be verified, and is there when a route names it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings
from gateway.config.problem import KeyPath

SOURCES = ("jwks_url", "jwks_file", "introspection")


def routes_name_known_ones(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """A route's issuers are there, and a protected route accepts somebody's tokens."""
    for index, route in enumerate(settings.routes):
        for place, name in enumerate(route.issuers):
            if name not in surroundings.issuers:
                yield Finding(
                    ("routes", index, "issuers", place),
                    "there is no issuer of this name",
                    depends=(("issuers",),) if not surroundings.issuers else (),
                    wrong=name,
                    right=tuple(sorted(surroundings.issuers)),
                )
        if route.auth == "bearer" and not route.own_tokens and not route.issuers:
            yield Finding(("routes", index, "own_tokens"), "leaves nobody who may call: issuers is empty")


def issuers_differ(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """What stands in iss tells which issuer a token is of."""
    first: dict[str, KeyPath] = {settings.server.public_url: ("server", "public_url")}
    for name, issuer in settings.issuers.items():
        path: KeyPath = ("issuers", name, "issuer")
        if issuer.issuer in first:
            yield Finding(path, "is taken already", first=first[issuer.issuer], depends=(path,))
        first.setdefault(issuer.issuer, path)


def issuers_verifiable(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """There is one way to know an issuer's tokens, and a token for somebody else is not taken."""
    for name, issuer in settings.issuers.items():
        path: KeyPath = ("issuers", name)
        ways = [key for key in SOURCES if getattr(issuer, key) is not None]
        if len(ways) > 1:
            yield Finding((*path, ways[1]), f"only one of {', '.join(SOURCES)} can be given")
        # RFC 9068 section 4, RFC 8725 section 3.9: who does not check aud takes tokens meant for others.
        if not issuer.audiences and issuer.introspection is None:
            yield Finding(path, "needs audiences: a token for somebody else must not be taken")
        for key, file in (("jwks_file", issuer.jwks_file), ("ca", issuer.ca)):
            if file is not None and not surroundings.is_file(file):
                yield Finding((*path, key), "there is no such file")


def client_ids_apart(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """No client's id looks like a client of another issuer."""
    for index, client in enumerate(settings.clients):
        name = client.id.partition(":")[0]
        if name != client.id and name in settings.issuers:
            yield Finding(
                ("clients", index, "id"), f"is what clients of the issuer {name} are called: <issuer>:<id>"
            )


def signing_files_there(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """The files of signing keys exist, seen from the working directory."""
    for place, file in enumerate(settings.tokens.signing.keys):
        if not surroundings.is_file(file):
            yield Finding(("tokens", "signing", "keys", place), "there is no such file")
