"""The clients of gateway.yaml, which need no store command."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gateway.oauth.model import Client


class StaticClients:
    """Read-only."""

    def __init__(self, clients: Iterable[Client] = ()) -> None:
        self._by_id = {client.id: client for client in clients}
        # Looked up by the key's hash, so that timing reveals nothing about any key.
        self._by_key = {key.digest: client for client in self._by_id.values() for key in client.api_keys}

    def find(self, client_id: str) -> Client | None:
        """The client of that id; None where the file has none."""
        return self._by_id.get(client_id)

    def by_api_key(self, key: bytes) -> Client | None:
        """The client that an API key belongs to; None where there is none, or it is disabled."""
        client = self._by_key.get(hashlib.sha256(key).digest())
        return client if client is not None and client.enabled else None
