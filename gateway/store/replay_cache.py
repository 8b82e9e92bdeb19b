"""Replay detection for assertions and DPoP proofs: each is recorded until it expires."""

from __future__ import annotations

from hashlib import blake2b

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink

DIGEST_BYTES = 18


class ReplayCache:
    """Every key has a TTL, and a digest for the name, which is untrusted."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._names = names

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use within so many seconds.

        Atomic, for all workers and gateways. Raises StoreUnavailable: then the request must be refused.
        """
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
        key = self._names.used_once(purpose, digest)
        return await self._link.execute("SET", key, "1", "NX", "EX", max(1, seconds)) is not None
