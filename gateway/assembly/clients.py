"""The clients of gateway.yaml as the token server knows them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from gateway.config.clients import ClientSettings
from gateway.config.secrets import NamedSecret, named
from gateway.config.words import ClientSecret
from gateway.errors import StartError
from gateway.jwk import parse_jwks
from gateway.oauth.values import Client, Secret


def file_clients(settings: Iterable[ClientSettings]) -> list[Client]:
    """Every client of the file. What was a plain secret is only its digest from here on."""
    return [_client(client) for client in settings]


def _client(settings: ClientSettings) -> Client:
    return Client(
        id=settings.id,
        name=settings.name,
        secrets=tuple(secret_of(item) for item in settings.secrets),
        grants=frozenset(settings.grants),
        scopes=tuple(settings.scopes),
        lifetime=settings.lifetime,
        audiences=tuple(settings.audiences),
        enabled=settings.enabled,
        introspect=settings.introspect,
        format=settings.format,
        source="file",
        tier=settings.tier,
        api_keys=tuple(secret_of(key) for key in settings.api_keys),
        auth=frozenset(settings.auth),
        jwks=_jwks(settings),
        tls_subject=settings.tls_client_auth.given[0] if settings.tls_client_auth else None,
        require_mtls=settings.require_mtls,
        require_dpop=settings.require_dpop,
    )


def _jwks(settings: ClientSettings) -> str:
    """The text of its JWK Set; StartError where its file can't be used."""
    if settings.jwks_file is not None:
        return jwks_of(settings.jwks_file)
    return json.dumps(settings.jwks) if settings.jwks is not None else ""


def jwks_of(file: Path) -> str:
    """The text of a JWK Set that lies in a file; StartError where it is none of public keys."""
    try:
        data = file.read_bytes()
        parse_jwks(data)
    except OSError as error:
        raise StartError(f"can't read {file}: {error.strerror}") from error
    except ValueError as error:
        raise StartError(f"{file} {error}") from error
    return json.dumps(json.loads(data))


def secret_of(item: ClientSecret | NamedSecret) -> Secret:
    """A secret as the file has it, from here on only its digest."""
    kept = named(item)
    return Secret(kept.secret.digest, kept.name, kept.expires)
