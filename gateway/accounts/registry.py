"""Changes the clients of the store. A secret is returned once, when it is generated."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.clock import Clock
from gateway.errors import GatepostError, StoreUnavailable
from gateway.oauth.api_keys import SHOWN, new_api_key
from gateway.oauth.client_auth import uses_secrets
from gateway.oauth.model import Client, Secret
from gateway.oauth.opaque_tokens import Random
from gateway.store import ClientStore, TokenStore, group_of
from gateway.translation.text import gettext

SECRET_PREFIX = "gps_"  # noqa: S105 (what secret scanners look for, not a secret)
_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
_ID_LENGTH = 20
MAX_SECRETS = 10
"""Live secrets of one client."""
REGISTERED = (
    "name",
    "grants",
    "scopes",
    "auth",
    "jwks",
    "jwks_uri",
    "tls_subject",
    "require_mtls",
    "require_dpop",
)
"""What a client that registers itself says of itself."""
MAX_API_KEYS = 20
"""Live API keys of one client."""


class SecretRefused(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """A client's secret can't be added or removed; the text says why."""


class SecretUncertain(StoreUnavailable):
    """The store has not answered, so a client may have the new secret or not; `secret` is lost otherwise."""

    def __init__(self, client_id: str, secret: str, error: StoreUnavailable) -> None:
        super().__init__(error.reason, error.retry_after)
        self.client_id = client_id
        self.secret = secret


async def once_written(secret: str, client_id: str, writing: Awaitable[object]) -> str:
    """The secret, once the client that has it is written.

    Raises:
        SecretUncertain: the store has not answered, so it may be written or not.
    """
    try:
        await writing
    except StoreUnavailable as error:
        if error.answered:
            raise
        raise SecretUncertain(client_id, secret, error) from error
    return secret


def has_secret(client: Client, secret: str) -> bool:
    """Whether a secret of this registry's is one of the client's."""
    return any(one.digest == _digest(secret) for one in client.secrets)


def new_client_id(beside: str | None = None) -> str:
    """An id without characters that are easily mistaken for each other.

    `beside`: in the same group of keys as the application of this id, so that in a Redis Cluster one script
    can change both.
    """
    while True:
        made = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
        if beside is None or group_of(made) == group_of(beside):
            return made


class ClientRegistry:
    """Creates, changes and removes clients; ends their tokens."""

    def __init__(self, clients: ClientStore, tokens: TokenStore, clock: Clock, random: Random) -> None:
        self._clients = clients
        self._tokens = tokens
        self._clock = clock
        self._random = random

    def made(self, client: Client) -> tuple[Client, str]:
        """A client with a new secret, not stored yet. Only a digest of the secret is stored."""
        secret, kept = self._new_secret("")
        return replace(client, secrets=(kept,), source="store", created=int(self._clock())), secret

    async def create(self, client: Client) -> tuple[Client, str]:
        """Stores a client with a new secret, of which only a digest is stored.

        Raises:
            ClientExists: there is one of that id.
        """
        made, secret = self.made(client)
        await self._clients.create(made)
        return made, secret

    async def register(self, client: Client) -> Client:
        """Stores a client that authenticates without a secret.

        Raises:
            ClientExists: there is one of that id.
        """
        made = replace(client, secrets=(), source="store", created=int(self._clock()))
        await self._clients.create(made)
        return made

    async def replace_registration(self, client_id: str, wanted: Client) -> tuple[Client, str | None]:
        """Makes a client that has registered itself what `wanted` is, and ends its tokens.

        Its secrets stay where it still uses one. The new secret, where it has none yet; it can't be had
        again.

        Raises:
            ClientMissing: there is none of that id.
        """
        secret, kept = self._new_secret("")
        made: list[str] = []

        def replaced(client: Client) -> Client:
            made.clear()
            secrets = self._live(client) if uses_secrets(wanted) else []
            if uses_secrets(wanted) and not secrets:
                secrets = [kept]
                made.append(secret)
            # What it says of itself; what else it has, such as networks, an operator has given it.
            said = {name: getattr(wanted, name) for name in REGISTERED}
            return replace(client, secrets=tuple(secrets), **said)

        changed = await self._clients.update(client_id, replaced, end_tokens=True)
        return changed, made[0] if made else None

    async def change(self, client_id: str, fields: Mapping[str, Any], *, end_tokens: bool) -> Client:
        """Replaces fields of a client by their names; with `end_tokens` its tokens end in the same step.

        Raises:
            ClientMissing: there is none of that id.
        """

        def changed(client: Client) -> Client:
            return replace(client, **fields)

        return await self._clients.update(client_id, changed, end_tokens=end_tokens)

    async def add_secret(self, client_id: str, name: str = "", expires: int | None = None) -> str:
        """Adds a secret, which is refused from `expires` on (seconds since the epoch).

        Raises:
            ClientMissing: there is none of that id.
            SecretUncertain: the store has not answered.
            SecretRefused: it has one of that name, or too many, or it authenticates in another way.
        """
        secret, kept = self._new_secret(name)

        def added(client: Client) -> Client:
            _refuse_keyed(client)
            live = self._live(client)
            if any(one.name == kept.name for one in live):
                raise SecretRefused(
                    gettext(
                        "the client %(client)s has a secret %(name)s already",
                        client=repr(client_id),
                        name=repr(kept.name),
                    )
                )
            if len(live) >= MAX_SECRETS:
                raise SecretRefused(
                    gettext(
                        "the client %(client)s has %(most)s secrets: remove one first",
                        client=repr(client_id),
                        most=MAX_SECRETS,
                    )
                )
            return replace(client, secrets=(*live, replace(kept, expires=expires)))

        return await once_written(secret, client_id, self._clients.update(client_id, added))

    async def rotate_secret(self, client_id: str, grace: int, name: str = "") -> str:
        """Adds a secret. The others are refused after `grace` seconds.

        Without grace every token ends, too: a secret may have been stolen.

        Raises:
            ClientMissing: there is none of that id.
            SecretUncertain: the store has not answered.
            SecretRefused: it authenticates in another way.
        """
        secret, kept = self._new_secret(name)
        end = int(self._clock()) + grace

        def rotated(client: Client) -> Client:
            _refuse_keyed(client)
            before = [replace(one, expires=min(one.expires or end, end)) for one in self._live(client)]
            # The first to expire are removed: each rotation would add one.
            before.sort(key=lambda one: one.expires or 0, reverse=True)
            return replace(client, secrets=(kept, *(before[: MAX_SECRETS - 1] if grace else ())))

        writing = self._clients.update(client_id, rotated, end_tokens=grace == 0)
        return await once_written(secret, client_id, writing)

    async def remove_secret(self, client_id: str, name: str) -> None:
        """Removes one secret at once. Tokens that were issued for it stay valid.

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

    async def add_api_key(self, client_id: str, name: str = "", expires: int | None = None) -> str:
        """Adds an API key, which is refused from `expires` on. It can't be had again.

        Raises:
            ClientMissing: there is none of that id.
            SecretRefused: it has too many, or its tokens are bound to a key, which an API key would evade.
        """
        text = new_api_key(client_id, self._random)
        kept = Secret(
            hashlib.sha256(text.encode()).digest(), name, expires, int(self._clock()), prefix=text[:SHOWN]
        )

        def added(client: Client) -> Client:
            if client.require_mtls or client.require_dpop:
                raise SecretRefused(
                    gettext(
                        "the client %(client)s may use bound tokens only, and no API keys",
                        client=repr(client_id),
                    )
                )
            live = _live_ones(client.api_keys, self._clock())
            if len(live) >= MAX_API_KEYS:
                raise SecretRefused(
                    gettext(
                        "the client %(client)s has %(most)s API keys: revoke one first",
                        client=repr(client_id),
                        most=MAX_API_KEYS,
                    )
                )
            return replace(client, api_keys=(*live, kept))

        await self._clients.update(client_id, added)
        return text

    async def remove_api_key(self, client_id: str, prefix: str) -> None:
        """Revokes the API key that is shown by this prefix, at once.

        Raises:
            ClientMissing: there is none of that id.
            SecretRefused: it has no such key.
        """

        def removed(client: Client) -> Client:
            kept = tuple(one for one in client.api_keys if one.prefix != prefix)
            if len(kept) == len(client.api_keys):
                raise SecretRefused(f"the client {client_id!r} has no API key {prefix!r}")
            return replace(client, api_keys=kept)

        await self._clients.update(client_id, removed)

    async def disable(self, client_id: str) -> None:
        """Disables a client and ends all its tokens in one step.

        Raises:
            ClientMissing: there is none of that id.
        """
        await self._clients.update(client_id, _switched(on=False), end_tokens=True)

    async def enable(self, client_id: str) -> None:
        """Enables a client again. Its former tokens stay revoked.

        Raises:
            ClientMissing: there is none of that id.
        """
        await self._clients.update(client_id, _switched(on=True), end_tokens=True)

    async def delete(self, client_id: str) -> bool:
        """Removes a client and ends its tokens; False where there was none."""
        return await self._clients.delete(client_id)

    async def revoke_tokens(self, client_id: str) -> None:
        """Ends all tokens of a client, of gateway.yaml or the store."""
        await self._tokens.revoke_all(client_id)
        self._clients.changes.heard("client.revoke_tokens", client_id, None, None)

    def _live(self, client: Client) -> list[Secret]:
        return _live_ones(client.secrets, self._clock())

    def _new_secret(self, name: str) -> tuple[str, Secret]:
        text = SECRET_PREFIX + secrets_text(self._random)
        # A random name reveals nothing of the secret; it is removed by this name.
        return text, Secret(_digest(text), name or self._random(4).hex(), created=int(self._clock()))


def loses_something(before: Client, after: Client) -> bool:
    """Whether a change takes away from a client what its tokens may still have."""
    if before.enabled and not after.enabled:
        return True
    narrower = any(
        not set(getattr(before, name)).issubset(getattr(after, name))
        for name in ("scopes", "audiences", "grants")
    )
    bound = (after.require_mtls and not before.require_mtls) or (
        after.require_dpop and not before.require_dpop
    )
    same = ("tier", "jwks", "jwks_uri", "tls_subject", "auth", "networks")
    return narrower or bound or any(getattr(before, name) != getattr(after, name) for name in same)


def loses_its_secrets(before: Client, after: Client) -> bool:
    """Whether all its secrets are replaced: one of them may have been stolen."""
    kept, now = ({(one.digest, one.foreign) for one in client.secrets} for client in (before, after))
    return bool(kept) and kept.isdisjoint(now)


def _live_ones(secrets: Iterable[Secret], now: float) -> list[Secret]:
    return [one for one in secrets if one.expires is None or one.expires > now]


def _refuse_keyed(client: Client) -> None:
    """A secret would weaken a client that has a key or a certificate."""
    if not uses_secrets(client):
        raise SecretRefused(f"the client {client.id!r} uses no secret")


def _switched(*, on: bool) -> Callable[[Client], Client]:
    return lambda client: replace(client, enabled=on)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def secrets_text(random: Random) -> str:
    """256 random bits in characters that need no encoding anywhere."""
    return urlsafe_b64encode(random(32)).rstrip(b"=").decode()
