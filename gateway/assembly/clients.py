"""The clients of gateway.yaml as the token server knows them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gateway.config.clients import ClientSettings
from gateway.oauth.values import Client, Secret

_HASHED = "sha256:"


def file_clients(settings: Iterable[ClientSettings]) -> list[Client]:
    """Every client of the file. What was a plain secret is only its digest from here on."""
    return [_client(client) for client in settings]


def _client(settings: ClientSettings) -> Client:
    return Client(
        id=settings.id,
        name=settings.name,
        secrets=tuple(secret_of(text.get_secret_value()) for text in settings.secrets),
        grants=frozenset(settings.grants),
        scopes=tuple(settings.scopes),
        lifetime=settings.lifetime,
        audiences=tuple(settings.audiences),
        enabled=settings.enabled,
        introspect=settings.introspect,
        source="file",
    )


def secret_of(text: str) -> Secret:
    """A secret as the file has it: plain, or `sha256:` and the digest in hexadecimal."""
    if text.startswith(_HASHED):
        return Secret(bytes.fromhex(text.removeprefix(_HASHED)))
    return Secret(hashlib.sha256(text.encode()).digest())
