"""The portal's sessions. Only a digest of a session's id is a key, and each key has a TTL.

What a person is shown of their sessions is in a hash of its own, by the same digests: it grants nothing, and
what is in it of a session that has ended is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from gateway.store.json_record import JsonRecord, write_record
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.record_mac import RecordMac

DIGEST_BYTES = 24
MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What a person is shown of a session of theirs."""

    since: int
    """Seconds since the epoch."""
    seen: int
    """When it was used last, to within some minutes."""
    address: str
    agent: str
    """The browser, as it calls itself."""
    key: str = ""
    """The digest of its id, by which it can be ended."""


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

    async def write(self, session_id: str, data: str, lifetime: int, *, new: bool = True) -> bool:
        """Stores the session's data, a JSON object, for `lifetime` seconds.

        False where it is not a `new` one and has ended meanwhile: then it stays so.
        """
        key = self._key(session_id)
        there = () if new else ("XX",)
        answer = await self._link.execute("SET", key, self._mac.sign(key, data), "EX", lifetime, *there)
        return answer is not None

    async def delete(self, session_id: str) -> None:
        """Ends the session."""
        await self._link.execute("DEL", self._key(session_id))

    async def note(self, user_id: str, session_id: str, facts: SessionFacts, lifetime: int) -> None:
        """Keeps what its person is shown of a session."""
        record = {
            "since": facts.since,
            "seen": facts.seen,
            "address": facts.address,
            "agent": facts.agent,
        }
        key = self._names.sessions_of(user_id)
        await self._link.execute("HSET", key, session_key(session_id), write_record(record))
        await self._link.execute("PEXPIRE", key, lifetime * 1000)

    async def listed(self, user_id: str) -> list[SessionFacts]:
        """A person's sessions, the latest first."""
        found: Any = await self._link.execute("HGETALL", self._names.sessions_of(user_id))
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        read = [one for key, data in pairs if (one := _read(key, data)) is not None]
        latest = sorted(read, key=lambda one: -one.seen)[:MOST_LISTED]
        keys = [self._names.session(one.key) for one in latest]
        there = await asyncio.gather(*(self._link.execute("EXISTS", key) for key in keys))
        return [one for one, exists in zip(latest, there, strict=True) if exists]

    async def end(self, user_id: str, keys: Iterable[str]) -> None:
        """Ends these sessions of a person, by the keys that `listed` says."""
        for key in keys:
            # Whatever stands in the person's own list: nobody ends another's.
            await self._link.execute("DEL", self._names.session(key))
            await self._link.execute("HDEL", self._names.sessions_of(user_id), key)

    def _key(self, session_id: str) -> str:
        return self._names.session(session_key(session_id))


def session_key(session_id: str) -> str:
    """What a session is known by, besides to its browser."""
    return blake2b(session_id.encode(), digest_size=DIGEST_BYTES).hexdigest()


def _read(key: bytes, data: bytes) -> SessionFacts | None:
    try:
        record = JsonRecord.parse(data)
        return SessionFacts(
            record.whole("since"),
            record.whole("seen"),
            record.text("address", ""),
            record.text("agent", ""),
            key.decode("ascii"),
        )
    except (ValueError, TypeError):
        return None
