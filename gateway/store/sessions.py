"""The portal's sessions. Only a digest of a session's id is a key, and each key has a TTL."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from gateway.store.link import Link

DIGEST_BYTES = 24


class SessionStore:
    """Sessions under `prefix`. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._prefix = prefix

    async def read(self, session_id: str) -> str | None:
        """What was written last; None where the session is unknown, over or ended."""
        data: Any = await self._link.execute("GET", self._key(session_id))
        return data.decode() if isinstance(data, bytes) else None

    async def write(self, session_id: str, data: str, lifetime: int) -> None:
        """Keeps the session's data for so many seconds."""
        await self._link.execute("SET", self._key(session_id), data, "EX", lifetime)

    async def delete(self, session_id: str) -> None:
        """Ends the session."""
        await self._link.execute("DEL", self._key(session_id))

    def _key(self, session_id: str) -> str:
        return f"{self._prefix}w:{blake2b(session_id.encode(), digest_size=DIGEST_BYTES).hexdigest()}"
