"""Finds the clients of the store by their API keys, and notes when the keys are used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.accounts.key_uses import KeyUses
from gateway.clock import Clock
from gateway.oauth.api_keys import HeldKey, client_of_key, held_key
from gateway.oauth.model import Client


class KnownClients(Protocol):
    """All clients of the gateway."""

    def known(self, client_id: str) -> Client | None:
        """The client of that id, where no store command is needed."""

    async def find(self, client_id: str) -> Client | None:
        """The client of that id; None where there is none. Raises StoreUnavailable."""


class ApiKeys:
    """The API keys of clients in the store. A revoked key is gone with its client's cached record."""

    def __init__(self, clients: KnownClients, clock: Clock, uses: KeyUses) -> None:
        self._clients = clients
        self._clock = clock
        self._uses = uses

    def known(self, key: bytes) -> HeldKey | None:
        """Whose key it is, where no store command is needed; None: `find` knows."""
        client_id = client_of_key(key)
        return None if client_id is None else held_key(self._clients.known(client_id), key, self._clock())

    async def find(self, key: bytes) -> HeldKey | None:
        """Whose key it is; None: nobody's. Raises StoreUnavailable."""
        client_id = client_of_key(key)
        if client_id is None:
            return None
        return held_key(await self._clients.find(client_id), key, self._clock())

    def used(self, held: HeldKey, address: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Notes a use. `headers`: those of the request."""
        self._uses.note(held.client.id, held.key.prefix, address, headers, self._clock())
