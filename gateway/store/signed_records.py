"""Re-signing of the permanent records in the store (clients, applications, users, teams)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.store.hash_scan import scan_hash
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script

PAGE = 200

REPLACE = Script(
    "signed_records.replace",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""",
)


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """How many records are signed with which key."""

    current: int = 0
    """With the first key."""
    older: int = 0
    """With another of the keys."""
    unsigned: int = 0
    """With none of them; these records are ignored."""


class SignedRecords:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames, mac: RecordMac) -> None:
        self._link = link
        self._names = names
        self._hashes = [
            *(("clients", names.clients(group)) for group in names.groups),
            *(("apps", names.applications(group)) for group in names.groups),
            ("users", names.accounts),
            ("teams", names.teams),
            ("passkeys", names.passkeys),
            ("mails", names.user_mails),
        ]
        """The kinds of records, and the hashes that hold them."""
        self._format_key = names.format
        self._mac = mac

    async def count(self) -> RecordCounts:
        """The number of records by key."""
        states = [self._state(name, value) async for _, _, name, value in self._all()]
        return RecordCounts(*(states.count(state) for state in ("current", "older", "unsigned")))

    async def renew(self) -> int:
        """Signs again with the first key what another key has signed; the number of records."""
        return await self._sign("older")

    async def adopt(self) -> int:
        """Signs every record with the first key, also those without a valid MAC; the number of records."""
        signed = await self._sign("older", "unsigned")
        # Records of an earlier version may be among them, which could not be migrated before.
        await self._link.execute("DEL", self._format_key)
        return signed

    async def _sign(self, *states: str) -> int:
        signed = 0
        async for key, field, name, value in self._all():
            if self._state(name, value) in states and value.startswith(b"{"):
                record = self._mac.unsigned(value)
                after = self._mac.sign(name, record)
                signed += await self._link.script(REPLACE, (key,), (field, value, after))
        return signed

    def _state(self, name: str, value: bytes) -> str:
        if self._mac.is_current(name, value):
            return "current"
        return "older" if self._mac.is_valid(name, value) else "unsigned"

    async def _all(self) -> AsyncIterator[tuple[str, str, str, bytes]]:
        """The hash and the field of every record, what it is signed for, and its value."""
        for kind, key in self._hashes:
            async for member, value in scan_hash(self._link, key, PAGE):
                field = member.decode("utf-8", "surrogatepass")
                yield key, field, self._names.record(kind, field), value
