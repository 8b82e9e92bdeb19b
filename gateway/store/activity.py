"""A copy of what the audit log has of the portal, to look at: streams of bounded length with a TTL.

`<prefix>a:<application>` is of one application, `<prefix>activity` of all, and of accounts and teams.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.script import Script

MOST_OF_ONE, MOST = 500, 10_000
"""Entries of one application, and of all together."""
LIFETIME = 90 * 86_400
"""TTL in seconds after the last entry; nothing older is shown."""
_FIELD = b"entry"

ADD = Script(
    "activity.add",
    """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'entry', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
""",
)


class StoredEntry(NamedTuple):
    """An entry and its place."""

    place: str
    """What `before` takes, to read on from here."""
    text: str


class ActivityStore:
    """Entries as JSON texts. Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames) -> None:
        self._link = link
        self._names = names

    async def add(self, application_id: str, text: str) -> None:
        """Adds an entry. `application_id`: whose it is; empty: none's."""
        if application_id:
            await self._add(self._names.activity_of(application_id), MOST_OF_ONE, text)
        await self._add(self._names.activity, MOST, text)

    async def read(
        self, application_id: str, count: int, *, before: str = "", since: float = 0, until: float = 0
    ) -> list[StoredEntry]:
        """So many entries, newest first.

        Args:
            application_id: Whose; empty: all.
            count: At the most.
            before: Only those before this place.
            since: Seconds since the epoch.
            until: Likewise, exclusively; 0: now.
        """
        if before and not before.strip("0-"):
            # Nothing is before 0-0, and the store refuses to look.
            return []
        key = self._names.activity_of(application_id) if application_id else self._names.activity
        # An entry's id begins with the store's time in milliseconds.
        last = f"({before}" if before else f"({int(until * 1000)}-0" if until else "+"
        found: list[tuple[bytes, list[bytes]]] = await self._link.execute(
            "XREVRANGE", key, last, str(int(since * 1000)), "COUNT", count
        )
        return [StoredEntry(place.decode(), _text(fields)) for place, fields in found]

    async def _add(self, key: str, most: int, text: str) -> None:
        await self._link.script(ADD, (key,), (most, LIFETIME, text))


def _text(fields: list[bytes]) -> str:
    return dict(zip(fields[::2], fields[1::2], strict=True)).get(_FIELD, b"").decode("utf-8", "replace")
