"""Changes the clients that are kept in the store. A secret is shown once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace

from gateway.clock import Clock
from gateway.oauth.opaque import Random
from gateway.oauth.values import Client, Secret
from gateway.store import ClientStore, TokenStore

SECRET_PREFIX = "gps_"  # noqa: S105 (what secret scanners look for, not a secret)
_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_ID_LENGTH = 20


def new_client_id() -> str:
    """An id without characters that are easily mistaken for each other."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))


class ClientRegistry:
    """Creates, changes and removes clients; ends their tokens."""

    def __init__(self, clients: ClientStore, tokens: TokenStore, clock: Clock, random: Random) -> None:
        self._clients = clients
        self._tokens = tokens
        self._clock = clock
        self._random = random

    async def create(self, client: Client) -> tuple[Client, str]:
        """Keeps a client with a secret of its own. The secret can't be had again.

        Raises:
            ClientExists: there is one of that id.
        """
        secret, kept = self._new_secret()
        made = replace(client, secrets=(kept,), source="store", created=int(self._clock()))
        await self._clients.create(made)
        return made, secret

    async def rotate_secret(self, client_id: str, grace: int) -> str:
        """A new secret. Those before it are refused in `grace` seconds.

        Raises:
            ClientMissing: there is none of that id.
        """
        secret, kept = self._new_secret()
        now = int(self._clock())

        def rotated(client: Client) -> Client:
            live = [one for one in client.secrets if one.expires is None or one.expires > now]
            before = [replace(one, expires=min(one.expires or now + grace, now + grace)) for one in live]
            return replace(client, secrets=(kept, *(one for one in before if grace)))

        await self._clients.update(client_id, rotated)
        return secret

    async def delete(self, client_id: str) -> bool:
        """Removes a client and ends its tokens; False where there was none."""
        return await self._clients.delete(client_id)

    async def revoke_tokens(self, client_id: str) -> None:
        """Ends every token of a client, of the file or the store, however many there are."""
        await self._tokens.revoke_all(client_id)

    def _new_secret(self) -> tuple[str, Secret]:
        text = SECRET_PREFIX + secrets_text(self._random)
        return text, Secret(hashlib.sha256(text.encode()).digest(), created=int(self._clock()))


def secrets_text(random: Random) -> str:
    """256 random bits in characters that need no encoding anywhere."""
    return urlsafe_b64encode(random(32)).rstrip(b"=").decode()
