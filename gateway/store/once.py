"""What may be used only once: signed assertions and proofs, remembered while they could be used again."""

from __future__ import annotations

from hashlib import blake2b

from gateway.store.link import Link

DIGEST_BYTES = 18


class OnceStore:
    """Remembers under `prefix`. Every key has a TTL, and holds a digest: what is named comes from outside."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._prefix = prefix

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use; all others within so many seconds are told False.

        One step for all workers and gateways: of two uses at once, one is the second. Raises
        StoreUnavailable: then nobody knows, and nobody is let in.
        """
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
        key = f"{self._prefix}once:{purpose}:{digest}"
        return await self._link.execute("SET", key, "1", "NX", "EX", max(1, seconds)) is not None
