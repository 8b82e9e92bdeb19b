"""Cached responses: encrypted, of bounded number and size, shared by all workers and gateways.

Each use of the cache has so many places. A response's place follows from what it is an answer to, and it
takes that of whatever was there before: so their number needs no counting. It is encrypted for its identity:
nobody who writes to the store can make one up, or put one in another's place.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b

from gateway.oauth.token_encryption import TokenCipher
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink

_GENERATION_BYTES = 8


class ResponseCache:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames, cipher: TokenCipher) -> None:
        self._link = link
        self._names = names
        self._cipher = cipher

    async def get(self, use: str, entries: int, identity: str) -> bytes | None:
        """What is kept under this identity; None: nothing that can be opened."""
        sealed = await self._link.execute("GET", self._key(use, entries, identity))
        return self._cipher.open_bytes(sealed, identity) if isinstance(sealed, bytes) else None

    async def put(self, use: str, entries: int, identity: str, value: bytes, seconds: float) -> None:
        """Keeps it for so long. `entries`: how many this use has at most."""
        sealed = self._cipher.seal_bytes(value, identity)
        key = self._key(use, entries, identity)
        await self._link.execute("SET", key, sealed, "PX", max(1, int(seconds * 1000)))

    async def generation(self, entries: int, uri: str) -> str:
        """That of a URI; it changes when what is kept of it becomes void."""
        value = await self._link.execute("GET", self._names.cached_generation(_place(uri, entries)))
        return value.decode("latin-1") if isinstance(value, bytes) else ""

    async def invalidate(self, entries: int, uri: str, seconds: float) -> None:
        """Makes void what is kept of a URI, and of others that share its place. `seconds`: nothing that was
        asked for before is kept for longer."""
        key = self._names.cached_generation(_place(uri, entries))
        generation = secrets.token_hex(_GENERATION_BYTES)
        await self._link.execute("SET", key, generation, "PX", max(1, int(seconds * 1000)))

    def _key(self, use: str, entries: int, identity: str) -> str:
        return self._names.cached_response(_digest(use).hex()[:16], _place(identity, entries))


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _place(text: str, places: int) -> int:
    return int.from_bytes(_digest(text)[:8], "big") % places
