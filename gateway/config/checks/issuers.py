"""Checks of `issuers`: distinct, verifiable, and defined if a route refers to them."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import client_tls_findings, content_problem
from gateway.config.issuer_presets import TRUST_DOMAIN
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.jose.key_set import read_key_set
from gateway.jose.signing_key import read_pem
from gateway.runtime.give_way import giving_way

SOURCES = ("jwks_url", "jwks_file", "introspection")


def routes_name_known_ones(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """A route's issuers are defined, and a protected route accepts tokens of at least one issuer."""
    for index, route in enumerate(giving_way(settings.routes)):
        for place, name in enumerate(route.issuers):
            if name not in context.issuers:
                yield CheckFinding(
                    ("routes", index, "issuers", place),
                    "there is no issuer of this name",
                    depends=(("issuers",),) if not context.issuers else (),
                    invalid=name,
                    valid=tuple(sorted(context.issuers)),
                )
        if route.auth == "bearer" and not route.own_tokens and not route.issuers:
            yield CheckFinding(
                ("routes", index, "own_tokens"), "no token would be accepted: issuers is empty"
            )


def issuers_differ(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """`iss` values are distinct: they identify the issuer of a token."""
    first: dict[str, KeyPath] = {settings.server.public_url: ("server", "public_url")}
    for name, issuer in settings.issuers.items():
        path: KeyPath = ("issuers", name, "issuer")
        if issuer.issuer in first:
            yield CheckFinding(path, "is taken already", first=first[issuer.issuer], depends=(path,))
        first.setdefault(issuer.issuer, path)


def issuers_verifiable(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """Each issuer has at most one key source, and an audience check: its own, or those of trusts."""
    trusted = {trust.issuer for client in giving_way(settings.clients) for trust in client.trust}
    trusted |= {
        name
        for client in giving_way(settings.clients)
        if client.exchange
        for name in client.exchange.subjects
    }
    trusted |= set(settings.registration.issuers)
    trusted |= {name for name, issuer in settings.issuers.items() if issuer.preset is not None}
    for name, issuer in settings.issuers.items():
        path: KeyPath = ("issuers", name)
        sources = [key for key in SOURCES if getattr(issuer, key) is not None]
        if len(sources) > 1:
            yield CheckFinding((*path, sources[1]), f"only one of {', '.join(SOURCES)} can be given")
        # RFC 9068 section 4, RFC 8725 section 3.9: without an aud check, tokens for other audiences would be
        # accepted.
        if not issuer.audiences and issuer.introspection is None and name not in trusted:
            text = "needs audiences: tokens for other audiences must not be accepted"
            yield CheckFinding(path, text, depends=((*path, "preset"),))
        file = issuer.jwks_file if len(sources) == 1 else None
        if file is not None and (wrong := content_problem(file, context, read_key_set)) is not None:
            yield CheckFinding((*path, "jwks_file"), wrong)
        yield from client_tls_findings(path, context, issuer.ca)


def presets_complete(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Each issuer has an identifier, and a trust domain has keys: there is no discovery for it."""
    for name, issuer in settings.issuers.items():
        path: KeyPath = ("issuers", name)
        if not issuer.issuer:
            text = "is missing: it is what iss of its tokens must be"
            yield CheckFinding((*path, "issuer"), text, depends=((*path, "issuer"), (*path, "preset")))
        if not issuer.issuer.startswith(TRUST_DOMAIN):
            continue
        if issuer.preset != "spiffe":
            yield CheckFinding((*path, "issuer"), "is a trust domain: that needs preset: spiffe")
        if issuer.jwks_file is None and issuer.jwks_url is None:
            yield CheckFinding(path, "needs jwks_file or jwks_url: a trust domain has no discovery")


def client_ids_apart(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Client ids don't collide with `<issuer>:<id>` of issuers' clients."""
    for index, client in enumerate(giving_way(settings.clients)):
        name = client.id.partition(":")[0]
        if name != client.id and name in settings.issuers:
            yield CheckFinding(
                ("clients", index, "id"), f"is reserved for clients of the issuer {name}: <issuer>:<id>"
            )


def signing_files_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """Signing key files exist, relative to the working directory, and hold keys that can sign."""
    for place, file in enumerate(settings.tokens.signing.keys):
        if (wrong := content_problem(file, context, read_pem)) is not None:
            yield CheckFinding(("tokens", "signing", "keys", place), wrong)
