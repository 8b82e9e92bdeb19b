"""The last use of each API key of a client: a hash for each client, by the keys' prefixes. It has a TTL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink

LIFETIME = 400 * 86_400
"""TTL in seconds after the last use of any."""


class KeyUse(NamedTuple):
    """A use of a key."""

    time: int
    """Seconds since the epoch."""
    address: str


class KeyUseStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._names = names

    async def write(self, client_id: str, uses: Mapping[str, KeyUse]) -> None:
        """Notes the last use of some keys."""
        key = self._names.key_uses(client_id)
        fields = [text for prefix, use in uses.items() for text in (prefix, f"{use.time} {use.address}")]
        await self._link.execute("HSET", key, *fields)
        await self._link.execute("PEXPIRE", key, 1000 * LIFETIME)

    async def read(self, client_id: str, prefixes: list[str]) -> dict[str, KeyUse]:
        """The last uses of these keys, as far as there are any."""
        if not prefixes:
            return {}
        kept = await self._link.execute("HMGET", self._names.key_uses(client_id), *prefixes)
        uses = ((prefix, _use(data)) for prefix, data in zip(prefixes, kept, strict=True))
        return {prefix: use for prefix, use in uses if use is not None}


def _use(data: bytes | None) -> KeyUse | None:
    time, _, address = (data or b"").decode("utf-8", "replace").partition(" ")
    return KeyUse(int(time), address) if time.isascii() and time.isdigit() else None
