"""Checks of `clients`: unique ids, known grants, sufficient credentials."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import content_problem
from gateway.config.clients import CREDENTIALS, OWN_TOKENS, ClientSettings
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.jose.jwk import parse_jwks
from gateway.runtime.give_way import giving_way


def ids_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Client ids are unique."""
    first: dict[str, int] = {}
    for index, client in enumerate(giving_way(settings.clients)):
        if client.id in first:
            earlier = ("clients", first[client.id], "id")
            yield CheckFinding(("clients", index, "id"), "another client has this id", first=earlier)
        first.setdefault(client.id, index)


def default_scopes_allowed(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Default scopes are a subset of the client's scopes."""
    for index, client in enumerate(giving_way(settings.clients)):
        allowed = {*client.scopes, *settings.scopes.default, settings.scopes.application}
        for position, scope in enumerate(client.default_scopes or ()):
            if scope not in allowed:
                path = ("clients", index, "default_scopes", position)
                yield CheckFinding(path, "is not one of its scopes", depends=(("clients", index, "scopes"),))


def exchanges_name_known_issuers(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The tokens that a client may exchange are the gateway's own, or of issuers that are there."""
    for index, client in enumerate(giving_way(settings.clients)):
        for position, name in enumerate(client.exchange.subjects if client.exchange is not None else ()):
            path = ("clients", index, "exchange", "subjects", position)
            if name == OWN_TOKENS and name in context.issuers:
                text = "means this gateway, and an issuer has the same name: give that another one"
                yield CheckFinding(path, text, first=("issuers", name))
            elif name != OWN_TOKENS and name not in context.issuers:
                yield CheckFinding(
                    path,
                    "there is no issuer of this name",
                    depends=(("issuers",),) if not context.issuers else (),
                    invalid=name,
                    valid=(OWN_TOKENS, *sorted(context.issuers)),
                )


def grants_known(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """A client's grants are listed under `grants`, enabled or not."""
    for index, client in enumerate(giving_way(settings.clients)):
        for position, grant in enumerate(client.grants):
            if grant in context.grants:
                continue
            available = context.known_grants()
            known = grant in available
            right = () if known else (*context.grants, *available)
            text = "this grant is not listed under grants" if known else "there is no such grant"
            yield CheckFinding(
                ("clients", index, "grants", position),
                text,
                depends=(("grants",),) if not context.grants else (),
                invalid=grant,
                valid=tuple(right),
            )


def api_keys_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """API keys are unique: they identify the client."""
    first: dict[bytes, tuple[int, int]] = {}
    for index, client in enumerate(giving_way(settings.clients)):
        for position, key in enumerate(client.api_keys):
            if key.digest in first:
                holder, at = first[key.digest]
                earlier = ("clients", holder, "api_keys", at)
                yield CheckFinding(
                    ("clients", index, "api_keys", position), "duplicate API key", first=earlier
                )
            first.setdefault(key.digest, (index, position))


def api_keys_are_enough(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Clients with require_mtls or require_dpop have no API keys, which are bearer credentials."""
    for index, client in enumerate(giving_way(settings.clients)):
        for key in ("require_mtls", "require_dpop"):
            if client.api_keys and getattr(client, key):
                yield CheckFinding(
                    ("clients", index, "api_keys"),
                    f"can't be given together with {key}: an API key proves no more than that it is known",
                    first=("clients", index, key),
                )


def credentials_there(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Every client has the credentials that its authentication methods need."""
    for index, client in enumerate(giving_way(settings.clients)):
        if not any(_credentials_of(client).values()):
            text = "is missing, and so is every other credential: the client can't authenticate"
            yield CheckFinding(("clients", index, "secrets"), text, depends=_credentials(index))
            continue
        for position, method in enumerate(client.auth):
            key = REQUIRED_CREDENTIAL[method]
            trusted = method == "private_key_jwt" and client.trust
            if not _credentials_of(client)[key] and not trusted:
                path = ("clients", index, "auth", position)
                yield CheckFinding(path, f"needs the client's {key}", depends=_credentials(index))


def one_key_set(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """A client's keys come from one source, and its file is usable."""
    for index, client in enumerate(giving_way(settings.clients)):
        path = ("clients", index, "jwks_file")
        given = [name for name in ("jwks", "jwks_file") if getattr(client, name) is not None]
        if client.jwks_uri is not None and given:
            text = f"can't be given together with {given[0]}"
            yield CheckFinding(("clients", index, "jwks_uri"), text, first=("clients", index, given[0]))
        if client.jwks_file is None:
            continue
        if client.jwks is not None:
            yield CheckFinding(path, "can't be given together with jwks", first=("clients", index, "jwks"))
        elif (wrong := content_problem(client.jwks_file, context, parse_jwks)) is not None:
            yield CheckFinding(path, wrong)


def certificates_seen(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Clients that need a TLS certificate can present it, to a listener or a trusted proxy."""
    listeners = [files for one in settings.server.for_clients for files in one.certificates.values()]
    if settings.server.trusted_proxies or any(files.client_ca for files in listeners):
        return
    text = "no client can present a certificate: no listener has client_ca, and there are no trusted_proxies"
    for index, client in enumerate(giving_way(settings.clients)):
        if client.require_mtls:
            yield CheckFinding(("clients", index, "require_mtls"), text, depends=(("server",),))
        if client.tls_client_auth is not None:
            yield CheckFinding(("clients", index, "tls_client_auth"), text, depends=(("server",),))
        for position, method in enumerate(client.auth):
            if method == "self_signed_tls_client_auth":
                yield CheckFinding(("clients", index, "auth", position), text, depends=(("server",),))


REQUIRED_CREDENTIAL = {
    "client_secret_basic": "secrets",
    "client_secret_post": "secrets",
    "private_key_jwt": "jwks",
    "tls_client_auth": "tls_client_auth",
    "self_signed_tls_client_auth": "jwks",
}


def _credentials_of(client: ClientSettings) -> dict[str, bool]:
    return {
        "secrets": bool(client.secrets),
        "api_keys": bool(client.api_keys),
        "jwks": any(one is not None for one in (client.jwks, client.jwks_file, client.jwks_uri)),
        "tls_client_auth": client.tls_client_auth is not None,
        "trust": bool(client.trust),
    }


def _credentials(index: int) -> tuple[KeyPath, ...]:
    return tuple(("clients", index, name) for name in CREDENTIALS)
