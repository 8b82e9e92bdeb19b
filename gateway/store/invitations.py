"""Open invitations to the portal, and to teams. Only a digest of a code is a key, and each key has a TTL."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.record_mac import RecordMac

DIGEST_BYTES = 24


class InvitationStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames, mac: RecordMac) -> None:
        self._link = link
        self._names = names
        self._mac = mac

    async def add(self, code: str, lifetime: int, record: str = "{}") -> None:
        """Keeps an invitation for `lifetime` seconds, with a JSON object that says more of it."""
        key = self._key(code)
        await self._link.execute("SET", key, self._mac.sign(key, record), "EX", lifetime)

    async def read(self, code: str) -> bytes | None:
        """What was kept with an open invitation; None: there is none with a valid MAC."""
        key = self._key(code)
        data: Any = await self._link.execute("GET", key)
        return self._mac.verify(key, data) if isinstance(data, bytes) else None

    async def is_open(self, code: str) -> bool:
        """Whether there is such an invitation, with a valid MAC."""
        return await self.read(code) is not None

    async def take(self, code: str) -> int:
        """Removes an invitation. Its seconds left, at least 1; 0: there is none, or somebody else took it."""
        if not await self.is_open(code):
            return 0
        key = self._key(code)
        left: int = await self._link.execute("PTTL", key)
        taken: int = await self._link.execute("DEL", key)
        return max(left // 1000, 1) if taken else 0

    def _key(self, code: str) -> str:
        return self._names.invitation(blake2b(code.encode(), digest_size=DIGEST_BYTES).hexdigest())
