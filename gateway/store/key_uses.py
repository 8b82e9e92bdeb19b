"""The last uses of a client's keys: a hash for each client, by what was used. It has a TTL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink

LIFETIME = 400 * 86_400
"""TTL in seconds after the last use of any."""
LAST_TOKEN, LAST_CALL = "token", "call"
"""The fields of the last token that was issued and of the last call; those of API keys are their prefixes."""


class KeyUse(NamedTuple):
    """A use of a key."""

    time: int
    """Seconds since the epoch."""
    address: str
    library: str = ""
    """What the caller calls itself, such as `python-requests/2.32.3`; empty: it does not."""


class KeyUseStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._names = names

    async def write(self, client_id: str, uses: Mapping[str, KeyUse]) -> None:
        """Notes some last uses, by what was used."""
        key = self._names.key_uses(client_id)
        fields = [text for what, use in uses.items() for text in (what, " ".join(map(str, use)).rstrip())]
        await self._link.execute("HSET", key, *fields)
        await self._link.execute("PEXPIRE", key, 1000 * LIFETIME)

    async def read(self, client_id: str, wanted: Sequence[str]) -> dict[str, KeyUse]:
        """The last uses of these, as far as there are any."""
        if not wanted:
            return {}
        kept = await self._link.execute("HMGET", self._names.key_uses(client_id), *wanted)
        uses = ((what, _use(data)) for what, data in zip(wanted, kept, strict=True))
        return {what: use for what, use in uses if use is not None}


def _use(data: bytes | None) -> KeyUse | None:
    time, address, library, *_ = *(data or b"").decode("utf-8", "replace").split(" ", 2), "", ""
    return KeyUse(int(time), address, library) if time.isascii() and time.isdigit() else None
