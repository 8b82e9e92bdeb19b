"""The lasting records of the store, taken out and put in again: clients, applications and people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from gateway.store.client_record import read_client
from gateway.store.errors import ClientUnreadable
from gateway.store.hash_scan import scan_hash
from gateway.store.json_record import JsonRecord
from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.tokens import closed_generation, new_generation

CLIENTS, APPLICATIONS, USERS, FILE_USERS = "clients", "applications", "users", "file_users"
TEAMS, PASSKEYS, MAILS = "teams", "passkeys", "mails"
SIGNED_AS = {
    CLIENTS: "clients",
    APPLICATIONS: "apps",
    USERS: "users",
    FILE_USERS: "file:users",
    TEAMS: "teams",
    PASSKEYS: "passkeys",
    MAILS: "mails",
}
"""The kinds of records, and what `KeyNames.record` calls them."""

Records = Mapping[str, Mapping[str, str]]
"""The records, without their MAC, by kind and name."""


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of the records."""

    written: dict[str, int]
    """How many of each kind."""
    same: int
    """How many were there already, and the same."""
    conflicts: list[str]
    """Those that are there and are others, as `clients shop`. Unless they were to be replaced, nothing was
    written.
    """


class RecordBackup:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(self, link: StoreLink, names: KeyNames, mac: RecordMac) -> None:
        self._link = link
        self._names = names
        self._mac = mac

    async def read(self) -> dict[str, dict[str, str]]:
        """All records that were signed with the master key."""
        return {kind: {name: text async for name, text in self._each(kind)} for kind in SIGNED_AS}

    async def write(self, records: Records, *, overwrite: bool) -> ImportOutcome:
        """Signs and writes the records. `overwrite`: also over others of the same name."""
        there = await self.read()
        conflicts, new, same = [], [], 0
        for kind in SIGNED_AS:
            for name, text in records.get(kind, {}).items():
                present = there[kind].get(name)
                if present is None:
                    new.append((kind, name, text))
                elif present == text:
                    same += 1
                else:
                    conflicts.append((kind, name, text))
        names = [f"{kind} {name}" for kind, name, _ in conflicts]
        if conflicts and not overwrite:
            return ImportOutcome({}, same, names)
        written = dict.fromkeys(SIGNED_AS, 0)
        for kind, name, text in (*new, *conflicts):
            await self._put(kind, name, text)
            written[kind] += 1
        return ImportOutcome(written, same, names)

    async def _each(self, kind: str) -> AsyncIterator[tuple[str, str]]:
        for key in dict.fromkeys(self._hash(kind, group) for group in self._names.groups):
            async for name, text in self._scan(kind, key):
                yield name, text

    def _hash(self, kind: str, group: str) -> str:
        """The hash that has the records of a kind; in a cluster those of a group."""
        if kind == CLIENTS:
            return self._names.clients(group)
        if kind == APPLICATIONS:
            return self._names.applications(group)
        names = self._names
        people = {
            USERS: names.accounts,
            FILE_USERS: names.file_users,
            TEAMS: names.teams,
            PASSKEYS: names.passkeys,
            MAILS: names.user_mails,
        }
        return people[kind]

    async def _scan(self, kind: str, key: str) -> AsyncIterator[tuple[str, str]]:
        async for field, value in scan_hash(self._link, key):
            name = field.decode("utf-8", "surrogatepass")
            record = self._mac.verify(self._names.record(SIGNED_AS[kind], name), value)
            if record is not None:
                yield name, record.decode("utf-8", "surrogatepass")

    async def _put(self, kind: str, name: str, text: str) -> None:
        key = self._hash(kind, self._names.group(name))
        if kind == CLIENTS and not _is_enabled(name, text):
            # Tokens that it had on the way are not to come back.
            await self._link.execute("SET", self._names.client_generation(name), closed_generation())
        if kind == USERS:
            await self._begin_generation(text)
        signed = self._mac.sign(self._names.record(SIGNED_AS[kind], name), text)
        await self._link.execute("HSET", key, name, signed)

    async def _begin_generation(self, text: str) -> None:
        """A person's sessions and tokens belong to a generation; without one nobody can sign in."""
        record = JsonRecord.parse(text.encode("utf-8", "surrogatepass"))
        user_id, name = record.text("id", ""), record.text("name", "")
        if user_id:
            await self._link.execute(
                "SET", self._names.user_generations + user_id, f"{new_generation()} {name}"
            )


def _is_enabled(client_id: str, text: str) -> bool:
    try:
        return read_client(client_id, text.encode("utf-8", "surrogatepass")).enabled
    except ClientUnreadable:
        return False
