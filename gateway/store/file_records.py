"""The users and clients of the last loaded gateway.yaml, so that a change of it revokes tokens and sessions.

- `<prefix>file:users`: name in lower case to `{"id": …, "generation": …, "password": …}`, signed. A user who
  leaves the file loses the record; who comes back under the name is another person with another id.
- `<prefix>file:clients`: client id to the digests of its credentials, for enabled clients. A client whose
  record comes, goes, or changes to none of the same credentials loses its generation, and so its tokens. The
  field without a name is there from the first load on.
- `<prefix>file:loads`, `<prefix>file:load_order`: the users of each load, signed. The first worker of a load
  changes the records; workers that start later for the same load, even after newer ones, only read.
- `<prefix>file:version`: how often the records have changed.

Passwords and secrets are kept as digests under keys that are not in the store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import StoreUnavailable
from gateway.runtime.give_way import beside_loop, giving_way, let_go, let_go_values
from gateway.store.file_changes import (
    Changes,
    ClientChanges,
    DeclaredUser,
    FileUserRecord,
    client_changes,
    user_changes,
)
from gateway.store.json_record import JsonRecord, write_record
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script
from gateway.store.tokens import new_generation
from gateway.store.user_ids import new_user_id

TRIES = 50
"""Attempts, where other loads write at the same time."""
MANY = 1000
"""More clients than that are compared in a thread: so many take about a millisecond."""
MOST_LOADS = 1000
"""Loads whose results are kept, for restarted workers."""

READ = Script(
    "file_records.read",
    """
return {
  redis.call('GET', KEYS[1]) or '0',
  redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
  redis.call('HGET', KEYS[4], ARGV[1]) or '',
}
""",
)
_END_TOKENS = """
local function end_tokens(key)
  local generation = redis.call('GET', key)
  -- A client of the store that is disabled stays so.
  if generation and string.sub(generation, 1, 1) ~= '!' then redis.call('DEL', key) end
end
"""

APPLY = Script(
    "file_records.apply",
    _END_TOKENS
    + """
local version, users, clients, loads, order, accounts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local passkeys, mails = KEYS[7], KEYS[8]
local people, load, answer, most = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local client_generations = ARGV[7]
local changes = cjson.decode(ARGV[6])
if (redis.call('GET', version) or '0') ~= ARGV[1] then return 0 end

local function set_generation(id, generation, name)
  redis.call('SET', people .. id, generation .. ' ' .. name)
end

for name, id in pairs(changes.users_gone) do
  redis.call('HDEL', users, name)
  redis.call('DEL', people .. id)
  redis.call('HDEL', passkeys, id)
  redis.call('HDEL', mails, id)
end
for name, user in pairs(changes.users) do
  redis.call('HSET', users, name, user.record)
  set_generation(user.id, user.generation, user.name)
end
-- A name of the file is the file's: the sessions and tokens of an account of that name end.
for name, generation in pairs(changes.taken) do
  local sound, account = pcall(cjson.decode, redis.call('HGET', accounts, name) or '')
  if sound and type(account) == 'table' and type(account.id) == 'string' then
    set_generation(account.id, generation, account.name)
  end
end
redis.call('HSET', clients, '', '1')
for id, credentials in pairs(changes.clients) do redis.call('HSET', clients, id, credentials) end
for id, _ in pairs(changes.clients_gone) do redis.call('HDEL', clients, id) end
for id, _ in pairs(changes.ended) do end_tokens(client_generations .. id) end
redis.call('INCR', version)
redis.call('HSET', loads, load, answer)
redis.call('LPUSH', order, load)
while redis.call('LLEN', order) > most do redis.call('HDEL', loads, redis.call('RPOP', order)) end
return 1
""",
)

APPLY_GROUP = Script(
    "file_records.apply_group",
    _END_TOKENS
    + """
local clients, client_generations, changes = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
if ARGV[3] == 'missing' and redis.call('EXISTS', clients) == 1 then return end
redis.call('HSET', clients, '', '1')
for id, credentials in pairs(changes.clients) do redis.call('HSET', clients, id, credentials) end
for id, _ in pairs(changes.clients_gone) do redis.call('HDEL', clients, id) end
for id, _ in pairs(changes.ended) do end_tokens(client_generations .. id) end
""",
)
"""In a cluster: a group's part of the clients. Doing it again, or more than once, changes nothing."""


@dataclass(frozen=True, slots=True)
class Identified:
    """The identity of a user of gateway.yaml."""

    id: str
    generation: str


class FileRecords:
    """The records of gateway.yaml."""

    def __init__(self, names: KeyNames, mac: RecordMac) -> None:
        self._names = names
        self._mac = mac
        self._users = names.file_users
        self._loads = names.file_loads
        self._keys = (
            names.file_version,
            self._users,
            names.file_clients,
            self._loads,
            names.file_load_order,
            names.accounts,
            names.passkeys,
            names.user_mails,
        )

    async def apply(
        self,
        commands: Commands,
        load: str,
        users: Mapping[str, DeclaredUser],
        clients: Mapping[str, frozenset[str]],
    ) -> dict[str, Identified]:
        """Updates the records atomically to the loaded file; the ids of the users by name in lower case.

        `load` identifies one load of the file: of its workers the first one applies it.
        `clients` has the digests of each enabled client's credentials.
        Raises StoreUnavailable: nothing has changed, and this configuration must not be used.
        """
        for _ in range(TRIES):
            version, kept_users, kept_clients, known = await commands.script(READ, self._keys[:4], (load,))
            if known and (answer := self._read_answer(load, known)) is not None:
                await self._apply_groups(commands, client_changes(None, clients), when="missing")
                return answer
            read = kept_users, kept_clients, users, clients
            # Thousands of clients take a while, and requests are served meanwhile.
            many = max(len(kept_clients) // 2, len(clients)) > MANY
            changes, text = await beside_loop(self._changes, *read) if many else self._changes(*read)
            found = {name: Identified(one.id, one.generation) for name, one in changes.users.kept.items()}
            # Before the version: whoever is interrupted here does it all again.
            await self._apply_groups(commands, changes.clients, when="always")
            args = (
                version,
                self._names.user_generations,
                load,
                self._answer(load, found),
                MOST_LOADS,
                text,
                self._names.client_generations(""),
            )
            if await commands.script(APPLY, self._keys, args):
                return found
        raise StoreUnavailable("other gateways keep changing what gateway.yaml declares")

    def _changes(
        self,
        kept_users: list[bytes],
        kept_clients: list[bytes],
        users: Mapping[str, DeclaredUser],
        clients: Mapping[str, frozenset[str]],
    ) -> tuple[Changes, str]:
        """What changes, also as the script reads it. Empties `kept_clients`."""
        before = self._read_users(kept_users)
        of_users = user_changes(before, users, lambda: new_user_id("file"), new_generation)
        clients_before = _read_clients(kept_clients)
        let_go(kept_clients)
        changes = Changes(of_users, client_changes(clients_before, clients))
        if clients_before is not None:
            let_go_values(clients_before)
        return changes, self._text(changes, users)

    async def _apply_groups(self, commands: Commands, changes: ClientChanges, when: str) -> None:
        """In a cluster: writes each group's clients, and ends the tokens of those that have to end."""
        if not self._names.cluster:
            return
        group_of = self._names.group
        for group in self._names.groups:
            text = json.dumps(
                {
                    "clients": {
                        name: " ".join(sorted(ones))
                        for name, ones in changes.kept.items()
                        if group_of(name) == group
                    },
                    "clients_gone": {name: 1 for name in changes.gone if group_of(name) == group},
                    "ended": {name: 1 for name in changes.ended if group_of(name) == group},
                }
            )
            args = (self._names.client_generations(group), text, when)
            await commands.script(APPLY_GROUP, (self._names.file_clients_in(group),), args)

    def _text(self, changes: Changes, users: Mapping[str, DeclaredUser]) -> str:
        """The changes as JSON, for the script."""
        kept = changes.users.kept
        return json.dumps(
            {
                "users": {
                    name: {
                        "record": self._mac.sign(self._names.record("file:users", name), _write(one)),
                        "id": one.id,
                        "generation": one.generation,
                        "name": users[name].name,
                    }
                    for name, one in kept.items()
                },
                "users_gone": dict(changes.users.gone),
                "taken": {name: new_generation() for name in changes.users.new},
                "clients": {name: " ".join(sorted(ones)) for name, ones in changes.clients.changed.items()},
                "clients_gone": dict.fromkeys(changes.clients.gone, 1),
                "ended": {} if self._names.cluster else dict.fromkeys(changes.clients.ended, 1),
            }
        )

    def _read_users(self, flat: list[bytes]) -> dict[str, FileUserRecord]:
        found: dict[str, FileUserRecord] = {}
        for name, data in zip(flat[::2], flat[1::2], strict=True):
            key = name.decode("utf-8", "replace")
            record = self._mac.verify(self._names.record("file:users", key), data)
            user = None if record is None else _read(record)
            if user is not None:
                found[key] = user
        return found

    def _answer(self, load: str, found: Mapping[str, Identified]) -> str:
        users = [[name, one.id, one.generation] for name, one in found.items()]
        return self._mac.sign(
            self._names.record("file:loads", load), write_record({"load": load, "users": users})
        )

    def _read_answer(self, load: str, data: bytes) -> dict[str, Identified] | None:
        record = self._mac.verify(self._names.record("file:loads", load), data)
        if record is None:
            return None
        users: list[list[str]] = json.loads(record).get("users", [])
        return {name: Identified(user_id, generation) for name, user_id, generation in users}


def _read_clients(flat: list[bytes]) -> dict[str, frozenset[str]] | None:
    """The credentials by client id; None where no file has been loaded yet."""
    if not flat:
        return None
    each: Any = zip(flat[::2], flat[1::2], strict=True)
    return {
        name.decode("utf-8", "replace"): frozenset(value.decode().split())
        for name, value in giving_way(each)
        if name
    }


def _write(user: FileUserRecord) -> str:
    return write_record({"id": user.id, "generation": user.generation, "password": user.password})


def _read(record: bytes) -> FileUserRecord | None:
    try:
        members = JsonRecord.parse(record)
        return FileUserRecord(members.text("id"), members.text("generation"), members.text("password"))
    except (ValueError, TypeError):
        return None
