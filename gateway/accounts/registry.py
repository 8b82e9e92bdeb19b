"""Changes the clients that are kept in the store. A secret is shown once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.client_auth import uses_secrets
from gateway.oauth.opaque import Random
from gateway.oauth.values import Client, Secret
from gateway.store import ClientStore, TokenStore, closed_generation, new_generation

SECRET_PREFIX = "gps_"  # noqa: S105 (what secret scanners look for, not a secret)
_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_ID_LENGTH = 20
MOST_SECRETS = 10
"""Live ones of one client."""


class SecretRefused(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """A client's secret can't be added or removed; the text says why."""


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

    def made(self, client: Client) -> tuple[Client, str]:
        """A client with a secret of its own, not kept yet. The secret can't be had again."""
        secret, kept = self._new_secret("")
        return replace(client, secrets=(kept,), source="store", created=int(self._clock())), secret

    async def create(self, client: Client) -> tuple[Client, str]:
        """Keeps a client with a secret of its own. The secret can't be had again.

        Raises:
            ClientExists: there is one of that id.
        """
        made, secret = self.made(client)
        await self._clients.create(made)
        return made, secret

    async def register(self, client: Client) -> Client:
        """Keeps a client that proves who it is without a secret.

        Raises:
            ClientExists: there is one of that id.
        """
        made = replace(client, secrets=(), source="store", created=int(self._clock()))
        await self._clients.create(made)
        return made

    async def add_secret(self, client_id: str, name: str = "", expires: int | None = None) -> str:
        """One more secret, beside those there are. It is refused from `expires` on (seconds since the epoch).

        Raises:
            ClientMissing: there is none of that id.
            SecretRefused: it has one of that name, or too many, or it proves who it is in another way.
        """
        secret, kept = self._new_secret(name)

        def added(client: Client) -> Client:
            _refuse_keyed(client)
            live = self._live(client)
            if any(one.name == kept.name for one in live):
                raise SecretRefused(f"the client {client_id!r} has a secret {kept.name!r} already")
            if len(live) >= MOST_SECRETS:
                raise SecretRefused(f"the client {client_id!r} has {MOST_SECRETS} secrets: remove one first")
            return replace(client, secrets=(*live, replace(kept, expires=expires)))

        await self._clients.update(client_id, added)
        return secret

    async def rotate_secret(self, client_id: str, grace: int, name: str = "") -> str:
        """A new secret. Those before it are refused in `grace` seconds.

        Raises:
            ClientMissing: there is none of that id.
            SecretRefused: it proves who it is in another way.
        """
        secret, kept = self._new_secret(name)
        end = int(self._clock()) + grace

        def rotated(client: Client) -> Client:
            _refuse_keyed(client)
            before = [replace(one, expires=min(one.expires or end, end)) for one in self._live(client)]
            # The soonest to end make room: each rotation would add one.
            before.sort(key=lambda one: one.expires or 0, reverse=True)
            return replace(client, secrets=(kept, *(before[: MOST_SECRETS - 1] if grace else ())))

        await self._clients.update(client_id, rotated)
        return secret

    async def remove_secret(self, client_id: str, name: str) -> None:
        """Ends one secret at once. Tokens that it was used for live on.

        Raises:
            ClientMissing: there is none of that id.
            SecretRefused: it has no secret of that name.
        """

        def removed(client: Client) -> Client:
            kept = tuple(one for one in client.secrets if one.name != name)
            if len(kept) == len(client.secrets):
                raise SecretRefused(f"the client {client_id!r} has no secret {name!r}")
            return replace(client, secrets=kept)

        await self._clients.update(client_id, removed)

    async def disable(self, client_id: str) -> None:
        """Refuses a client from now on, and ends every token of it in the same step.

        Raises:
            ClientMissing: there is none of that id.
        """
        await self._clients.update(client_id, _switched(on=False), generation=closed_generation())

    async def enable(self, client_id: str) -> None:
        """Lets a client ask for tokens again. Those that it had stay dead.

        Raises:
            ClientMissing: there is none of that id.
        """
        await self._clients.update(client_id, _switched(on=True), generation=new_generation())

    async def delete(self, client_id: str) -> bool:
        """Removes a client and ends its tokens; False where there was none."""
        return await self._clients.delete(client_id)

    async def revoke_tokens(self, client_id: str) -> None:
        """Ends every token of a client, of the file or the store, however many there are."""
        await self._tokens.revoke_all(client_id)

    def _live(self, client: Client) -> list[Secret]:
        now = self._clock()
        return [one for one in client.secrets if one.expires is None or one.expires > now]

    def _new_secret(self, name: str) -> tuple[str, Secret]:
        text = SECRET_PREFIX + secrets_text(self._random)
        digest = hashlib.sha256(text.encode()).digest()
        # A name of its own says nothing of the secret; it is what the secret is removed by.
        return text, Secret(digest, name or self._random(4).hex(), created=int(self._clock()))


def _refuse_keyed(client: Client) -> None:
    """A secret would be a weaker way in for a client that has a key or a certificate instead."""
    if not uses_secrets(client):
        raise SecretRefused(f"the client {client.id!r} uses no secret")


def _switched(*, on: bool) -> Callable[[Client], Client]:
    return lambda client: replace(client, enabled=on)


def secrets_text(random: Random) -> str:
    """256 random bits in characters that need no encoding anywhere."""
    return urlsafe_b64encode(random(32)).rstrip(b"=").decode()
