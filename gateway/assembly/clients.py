"""OAuth clients of gateway.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from gateway.accounts.clients import ClientAuthentication, Clients
from gateway.accounts.passwords import Passwords
from gateway.accounts.slow_secrets import SlowSecrets
from gateway.assembly.brute_force import attempt_limiter
from gateway.assembly.issuers import Issuers
from gateway.assembly.shared_sets import SharedSets
from gateway.clock import Clock
from gateway.config.checks.trust import trust_of
from gateway.config.clients import OWN_TOKENS, ClientSettings, ExchangeSettings
from gateway.config.model import Settings
from gateway.config.secrets import NamedSecret, named
from gateway.config.value_types import ClientSecret
from gateway.errors import StartError
from gateway.jose.jwk import parse_jwks
from gateway.oauth.client_claims import written_claims
from gateway.oauth.model import OWN, Client, ExchangeRules, Secret, Subscription
from gateway.runtime.give_way import giving_way
from gateway.store import Store


def file_clients(settings: Iterable[ClientSettings], public_url: str = "") -> list[Client]:
    """All clients of the file. Plain-text secrets are replaced by their digests.

    `public_url` is the audience of trusts that name none.
    """
    sets = SharedSets()
    return [_client(client, public_url, sets) for client in giving_way(settings)]


def client_authentication(
    settings: Settings,
    store: Store,
    clients: Clients,
    issuers: Issuers,
    passwords: Passwords,
    clock: Clock,
) -> ClientAuthentication:
    """Authenticates all clients, by every method."""
    return ClientAuthentication(
        clients,
        attempt_limiter("token", settings, store),
        clock,
        issuer=settings.server.public_url,
        once=store.once,
        token_endpoints=settings.paths.token_uris,
        workloads=issuers.workload_tokens,
        slow_secrets=SlowSecrets(passwords, store.clients),
        fetched_keys=issuers.client_keys,
    )


def _client(settings: ClientSettings, public_url: str, sets: SharedSets) -> Client:
    return Client(
        id=settings.id,
        name=settings.name,
        secrets=tuple(secret_of(item) for item in settings.secrets),
        grants=sets.of(settings.grants),
        scopes=tuple(settings.scopes),
        default_scopes=None if settings.default_scopes is None else tuple(settings.default_scopes),
        lifetime=settings.lifetime,
        audiences=tuple(settings.audiences),
        enabled=settings.enabled,
        introspect=settings.introspect,
        format=settings.format,
        source="file",
        tier=settings.tier,
        api_keys=tuple(secret_of(key) for key in settings.api_keys),
        auth=sets.of(settings.auth),
        jwks=_jwks(settings),
        jwks_uri=settings.jwks_uri or "",
        assertion_audience=tuple(settings.assertion_audience),
        tls_subject=settings.tls_client_auth.configured[0] if settings.tls_client_auth else None,
        require_mtls=settings.require_mtls,
        require_dpop=settings.require_dpop,
        claims=written_claims(settings.claims),
        networks=tuple(settings.networks),
        subscriptions=tuple(Subscription(api) for api in settings.subscriptions),
        trust=tuple(trust_of(one, public_url) for one in settings.trust),
        exchange=None if settings.exchange is None else _exchange(settings.exchange),
    )


def _exchange(settings: ExchangeSettings) -> ExchangeRules:
    return ExchangeRules(
        frozenset(OWN if name == OWN_TOKENS else name for name in settings.subjects),
        None if settings.scopes is None else tuple(settings.scopes),
        tuple(settings.audiences),
        settings.id_jag,
    )


def _jwks(settings: ClientSettings) -> str:
    """The client's JWK Set as JSON, or an empty string. StartError if its file can't be used."""
    if settings.jwks_file is not None:
        return jwks_of(settings.jwks_file)
    return json.dumps(settings.jwks) if settings.jwks is not None else ""


def jwks_of(file: Path) -> str:
    """The JWK Set of a file as JSON. StartError if it can't be read or holds anything but public keys."""
    try:
        data = file.read_bytes()
        parse_jwks(data)
    except OSError as error:
        raise StartError(f"can't read {file}: {error.strerror}") from error
    except ValueError as error:
        raise StartError(f"{file} {error}") from error
    return json.dumps(json.loads(data))


def secret_of(item: ClientSecret | NamedSecret) -> Secret:
    """The secret with its digest instead of its plain text."""
    entry = named(item)
    return Secret(entry.secret.digest, entry.name, entry.expires)
