"""The portal's sessions. Only a digest of a session's id is a key, and each key has a TTL."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.record_mac import RecordMac

DIGEST_BYTES = 24


class SessionStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames, mac: RecordMac) -> None:
        self._link = link
        self._names = names
        self._mac = mac

    async def read(self, session_id: str) -> str | None:
        """The data; None where the session is unknown, expired, deleted, or its MAC is not valid."""
        key = self._key(session_id)
        data: Any = await self._link.execute("GET", key)
        record = self._mac.verify(key, data) if isinstance(data, bytes) else None
        return None if record is None else record.decode()

    async def write(self, session_id: str, data: str, lifetime: int) -> None:
        """Stores the session's data, a JSON object, for `lifetime` seconds."""
        key = self._key(session_id)
        await self._link.execute("SET", key, self._mac.sign(key, data), "EX", lifetime)

    async def delete(self, session_id: str) -> None:
        """Ends the session."""
        await self._link.execute("DEL", self._key(session_id))

    def _key(self, session_id: str) -> str:
        return self._names.session(blake2b(session_id.encode(), digest_size=DIGEST_BYTES).hexdigest())
