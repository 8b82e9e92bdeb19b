"""The clients of gateway.yaml as the token server knows them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config.clients import ClientSettings
from gateway.config.secrets import NamedSecret, named
from gateway.config.words import ClientSecret
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
    )


def secret_of(item: ClientSecret | NamedSecret) -> Secret:
    """A secret as the file has it, from here on only its digest."""
    kept = named(item)
    return Secret(kept.secret.digest, kept.name, kept.expires)
