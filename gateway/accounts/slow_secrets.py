"""Verifies secrets against hashes that other servers have made, until the gateway has a digest of its own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gateway.accounts.passwords import Passwords
from gateway.errors import GatepostError
from gateway.oauth.client_auth import ClientProof
from gateway.oauth.model import Client, Secret
from gateway.oauth.secret_hashes import hash_matches
from gateway.runtime.caches import MIB, register

log = logging.getLogger("gatepost")

LONGEST_SECRET = 1024
"""Characters; a longer secret is never right."""
STRONG = 20
"""Decimal digits of the guesses that a secret is worth whose SHA-256 may be kept (zxcvbn's estimate)."""
_ESTIMATED = 72
"""Characters that are estimated: all that the estimate takes."""
_PROVEN = register("proven secrets with foreign hashes", __name__, entries=10_000, total_bytes=3 * MIB)


class ClientUpdates(Protocol):
    """The clients of the store, as far as they are changed here."""

    async def update(self, client_id: str, change: Callable[[Client], Client]) -> Client:
        """Applies a change to the client; its tokens stay."""


def has_slow_secrets(client: Client | None, now: float) -> bool:
    """Whether a client has a live secret of which only a foreign hash is known."""
    return client is not None and client.enabled and bool(_live(client, now))


class SlowSecrets:
    """Hashing waits its turn in the queue of passwords, so that callers can't take all cores."""

    def __init__(self, passwords: Passwords, clients: ClientUpdates | None) -> None:
        """`clients`: where digests replace hashes; None: they never do."""
        self._passwords = passwords
        self._clients = clients
        self._key = secrets.token_bytes(32)
        self._proven: OrderedDict[bytes, None] = OrderedDict()
        """Secrets that were right, by a digest whose key nobody else has."""

    async def matches(self, client: Client, proof: ClientProof, address: str, now: float) -> bool:
        """Whether the proof has one of the client's live secrets.

        Raises:
            TooManyAttempts: too many wait for hashing already.
        """
        given = dict.fromkeys((proof.secret, *((proof.raw_secret,) if proof.raw_secret else ())))
        usable = [text for text in given if len(text) <= LONGEST_SECRET]
        for kept in _live(client, now):
            for text in usable:
                if self._was_proven(kept.foreign, text):
                    return True
        async with self._passwords.turn(address):
            for kept in _live(client, now):
                for text in usable:
                    if await asyncio.to_thread(hash_matches, kept.foreign, text):
                        await self.remember(client, kept, text)
                        return True
        return False

    async def remember(self, client: Client, kept: Secret, text: str) -> None:
        """Notes that a secret was right, and keeps the digest of a strong one in place of the hash.

        A weak one keeps its slow hash in the store: there its SHA-256 could be guessed at great speed.
        """
        of_store = client.source == "store"
        if self._clients is not None and of_store and await asyncio.to_thread(is_strong, text):
            await self._replace_hash(self._clients, client, kept, text)
        self._proven[self._name(kept.foreign, text)] = None
        while len(self._proven) > _PROVEN.entries:
            self._proven.popitem(last=False)

    async def _replace_hash(self, clients: ClientUpdates, client: Client, kept: Secret, text: str) -> None:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        own = replace(kept, foreign="", digest=digest)

        def upgraded(current: Client) -> Client:
            return replace(current, secrets=tuple(own if one == kept else one for one in current.secrets))

        try:
            await clients.update(client.id, upgraded)
        except GatepostError as error:
            # The secret is right all the same; the next time does it.
            log.info("the hash of a secret of the client %s is kept: %s", client.id, error)

    def _was_proven(self, kept: str, text: str) -> bool:
        name = self._name(kept, text)
        known = name in self._proven
        if known:
            self._proven.move_to_end(name)
        return known

    def _name(self, kept: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{kept}\0{text}".encode("utf-8", "surrogatepass"), "sha256")


def is_strong(secret: str) -> bool:
    """Whether nobody guesses the secret from its SHA-256."""
    # Takes a tenth of a second to import, and most workers never need it.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    return bool(zxcvbn(secret[:_ESTIMATED])["guesses_log10"] >= STRONG)


def _live(client: Client, now: float) -> list[Secret]:
    return [one for one in client.secrets if one.foreign and (one.expires is None or now < one.expires)]
