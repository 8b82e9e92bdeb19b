"""Notices that wait to be sent: one hash, `<prefix>notices`, id to record; and who sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from gateway.store.json_record import JsonRecord
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script

MOST = 1000
"""Notices that wait at the most."""
MOST_OF_DEVELOPERS = MOST // 2
"""At which no further ones are taken for developers: the rest is for whoever runs the gateway."""
APPLICATION = "application:"
"""Prefix of the receiver of a notice that is for an application's own webhook; its id follows."""
PERSON = "person:"
"""Prefix of the receiver of a notice that is for a person's own e-mail address; the person's id follows."""
GONE_FOR = 86_400
"""Seconds for which a receiver that wants nothing any more is not asked."""

ADD = Script(
    "notices.add",
    """
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return 1
""",
)
KEEP = Script(
    "notices.keep",
    """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
""",
)
LEAD = Script(
    "notices.lead",
    """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""",
)
RESIGN = Script(
    "notices.resign",
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
""",
)


@dataclass(frozen=True, slots=True)
class QueuedNotice:
    """One that waits."""

    id: str
    """The same for all attempts: receivers tell by it what they have had."""
    body: str
    created: int
    """Seconds since the epoch."""
    due: int
    """When it is sent next, likewise."""
    attempts: int = 0
    """Those that failed."""
    to: str = ""
    """The operator's e-mail address that it is for, or `APPLICATION` or `PERSON` and an id; empty: the
    operator's webhook.
    """

    @property
    def of_application(self) -> bool:
        """Whether it is for an application's own webhook."""
        return self.to.startswith(APPLICATION)

    @property
    def of_person(self) -> bool:
        """Whether it is for a person's own e-mail address."""
        return self.to.startswith(PERSON)

    @property
    def of_developer(self) -> bool:
        """Whether it is for somebody else than whoever runs the gateway."""
        return self.of_application or self.of_person


class NoticeStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames, mac: RecordMac) -> None:
        self._link = link
        self._names = names
        self._mac = mac

    async def add(self, notice: QueuedNotice) -> bool:
        """Keeps a notice. False: too many wait. The same one twice is kept once."""
        most = MOST_OF_DEVELOPERS if notice.of_developer else MOST
        args = (notice.id, self._signed(notice), most)
        return bool(await self._link.script(ADD, (self._names.notices,), args))

    async def keep(self, notice: QueuedNotice) -> None:
        """Replaces a notice that is still there."""
        await self._link.script(KEEP, (self._names.notices,), (notice.id, self._signed(notice)))

    async def remove(self, ids: Sequence[str]) -> None:
        """Removes notices."""
        if ids:
            await self._link.execute("HDEL", self._names.notices, *ids)

    async def count(self) -> int:
        """How many wait."""
        return int(await self._link.execute("HLEN", self._names.notices))

    async def list(self) -> list[QueuedNotice]:
        """All that wait, the first due first. What can't be read is removed."""
        found = await self._link.execute("HGETALL", self._names.notices)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        read = {name.decode("utf-8", "replace"): self._read(name, data) for name, data in pairs}
        await self.remove([name for name, notice in read.items() if notice is None])
        return sorted((one for one in read.values() if one), key=lambda one: (one.due, one.created, one.id))

    async def lead(self, owner: str, seconds: float) -> bool:
        """Whether `owner` is the one that sends, for so many seconds from now on."""
        args = (owner, int(seconds * 1000))
        return bool(await self._link.script(LEAD, (self._names.notice_sender,), args))

    async def resign(self, owner: str) -> None:
        """Lets another one send at once."""
        await self._link.script(RESIGN, (self._names.notice_sender,), (owner,))

    async def note_gone(self, url: str) -> None:
        """Notes that the receiver wants nothing any more."""
        await self._link.execute("SET", self._names.notices_gone, _digest(url), "EX", GONE_FOR)

    async def is_gone(self, url: str) -> bool:
        """Whether that was noted of this receiver."""
        return bool(await self._link.execute("GET", self._names.notices_gone) == _digest(url).encode())

    def _signed(self, one: QueuedNotice) -> str:
        told = {"body": one.body, "created": one.created, "due": one.due, "attempts": one.attempts}
        if one.to:
            told["to"] = one.to
        return self._mac.sign(self._names.record("notices", one.id), json.dumps(told))

    def _read(self, name: bytes, signed: bytes) -> QueuedNotice | None:
        notice_id = name.decode("utf-8", "replace")
        data = self._mac.verify(self._names.record("notices", notice_id), signed)
        if data is None:
            return None
        try:
            record = JsonRecord.parse(data)
            created, due, attempts = (record.whole(part, 0) for part in ("created", "due", "attempts"))
            body, to = record.text("body"), record.text("to", "")
            return QueuedNotice(notice_id, body, created, due, attempts, to)
        except (ValueError, TypeError):
            return None


def _digest(url: str) -> str:
    return blake2b(url.encode(), digest_size=16).hexdigest()
