"""The accounts of the store: people who signed up. See `gateway.store.user_ids` for the keys.

A user of gateway.yaml takes precedence: an account of the same name is found by its id only, until it is
renamed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.errors import GatepostError
from gateway.oauth.roles import Role, role_named
from gateway.oauth.user import User
from gateway.store.change_listener import ChangeListener
from gateway.store.hash_scan import scan_hash
from gateway.store.json_record import JsonRecord, write_record
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script
from gateway.store.tokens import new_generation
from gateway.store.user_ids import new_user_id

FIND = Script(
    "users.find",
    """
local name, ids, fresh = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', KEYS[2], name) == 1 then return false end
local record = redis.call('HGET', KEYS[1], name)
if not record then return false end
local sound, account = pcall(cjson.decode, record)
if not sound or type(account) ~= 'table' or type(account.id) ~= 'string' then return {record, ''} end
local key = ids .. account.id
local generation = redis.call('GET', key)
if not generation then
  -- Lost: all that referred to it has ended.
  generation = fresh .. ' ' .. account.name
  redis.call('SET', key, generation)
end
return {record, string.match(generation, '^%S+')}
""",
)
FIND_BY_ID = Script(
    "users.find_by_id",
    """
local generation = redis.call('GET', ARGV[1] .. ARGV[2])
if not generation then return false end
local word, name = string.match(generation, '^(%S+) (.*)$')
local record = redis.call('HGET', KEYS[1], string.lower(name or ''))
if not record then return false end
local sound, account = pcall(cjson.decode, record)
if not sound or type(account) ~= 'table' or account.id ~= ARGV[2] then return false end
return {record, word, string.lower(name)}
""",
)
CREATE = Script(
    "users.create",
    """
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
if redis.call('GET', ARGV[3]) then return 0 end
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('SET', ARGV[3], ARGV[4])
return 1
""",
)
REPLACE = Script(
    "users.replace",
    """
local before, after, file = ARGV[1], ARGV[3], KEYS[2]
if redis.call('HGET', KEYS[1], before) ~= ARGV[2] then return 0 end
if ARGV[7] == '1' then
  -- Another administrator must be there who can sign in.
  local accounts, found = redis.call('HGETALL', KEYS[1]), false
  for i = 1, #accounts, 2 do
    local sound, one = pcall(cjson.decode, accounts[i + 1])
    if accounts[i] ~= before and sound and type(one) == 'table' and not one.blocked and not one.pending then
      local taken = redis.call('HEXISTS', file, accounts[i]) == 1 and not one.provider
      found = found or ((one.role == 'admin' or (one.role == nil and one.admin == true)) and not taken)
    end
  end
  if not found then return -2 end
end
if after ~= before then
  if redis.call('HEXISTS', file, after) == 1 or redis.call('HEXISTS', KEYS[1], after) == 1 then return -1 end
  redis.call('HDEL', KEYS[1], before)
end
redis.call('HSET', KEYS[1], after, ARGV[4])
redis.call('SET', ARGV[5], ARGV[6])
return 1
""",
)
DELETE = Script(
    "users.delete",
    """
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then return 0 end
local sound, account = pcall(cjson.decode, record)
if sound and type(account) == 'table' and type(account.id) == 'string' then
  redis.call('DEL', ARGV[2] .. account.id)
  redis.call('HDEL', KEYS[2], account.id)
  redis.call('HDEL', KEYS[3], account.id)
end
return redis.call('HDEL', KEYS[1], ARGV[1])
""",
)
IDENTIFY = Script(
    "users.identify",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('SET', ARGV[4], ARGV[5])
return 1
""",
)


NO_OTHER_ADMIN = -2
"""What the script answers."""


class LastAdministrator(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """The last administrator can't lose the role."""


class UserExists(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """A user of this name exists."""


class UserChanged(GatepostError):  # noqa: N818 (as above)
    """The user was changed or removed meanwhile."""


class UserStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(
        self,
        link: StoreLink,
        names: KeyNames,
        mac: RecordMac,
        changes: ChangeListener | None = None,
        ending: Commands | None = None,
    ) -> None:
        """`ending` revokes; None: `link` does."""
        self._link = link
        self._ending: Commands = link if ending is None else ending
        self._changes = changes or ChangeListener()
        self._keys = (names.accounts, names.file_users)
        self._generations = names.user_generations
        self._with_account = (names.passkeys, names.user_mails)
        self._records = AccountRecords(names, mac)

    async def get(self, name: str) -> User | None:
        """The account of that name, in any case; None: there is none, or gateway.yaml has such a user."""
        while True:
            args = (name.lower(), self._generations, new_generation())
            answer = await self._link.script(FIND, self._keys, args)
            if answer is None:
                return None
            found = self._with_generation(name.lower(), answer)
            if found is None or found.id:
                return found
            # A record of an earlier version.
            await self._records.identify(self._link, name.lower(), answer[0])

    async def get_by_id(self, user_id: str) -> User | None:
        """The account of that id; None where there is none."""
        answer = await self._link.script(FIND_BY_ID, self._keys[:1], (self._generations, user_id))
        return None if answer is None else self._with_generation(answer[2].decode(), answer)

    async def list(self) -> list[User]:
        """Every account, by name, also those with the name of a user of gateway.yaml."""
        found: dict[str, User] = {}
        async for name, data in scan_hash(self._link, self._keys[0]):
            user = self._records.read(name.decode("utf-8", "replace"), data)
            found |= {} if user is None else {user.key: user}
        return sorted(found.values(), key=lambda one: one.key)

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of the accounts with these ids, as far as they exist."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        values = await self._link.execute("MGET", *(self._generations + one for one in wanted))
        there = zip(wanted, values, strict=True)
        return {one: value.partition(b" ")[2].decode() for one, value in there if value is not None}

    async def create(self, user: User) -> User:
        """Stores a new account, and returns it with its id. Raises UserExists: of that name, or of its id."""
        made = replace(user, id=user.id or new_user_id("store"), generation=new_generation())
        args = (made.key, self._records.signed(made), self._generations + made.id, _generation(made))
        if not await self._link.script(CREATE, self._keys, args):
            raise UserExists(f"there is a user {user.name!r} already")
        self._changes.heard("user.create", made.id, None, made)
        return made

    async def replace(self, before: User, after: User, *, needs_admin: bool = False) -> User:
        """Replaces `before` by `after`, and ends its sessions and tokens.

        `needs_admin`: only while there is another account of an administrator. Raises UserChanged, UserExists
        where it is renamed to a name that is taken, LastAdministrator.
        """
        data = await self._link.execute("HGET", self._keys[0], before.key)
        kept = None if data is None else self._records.read(before.key, data)
        if kept is None or replace(kept, generation=before.generation) != before:
            raise UserChanged(f"the user {before.name!r} was changed by somebody else")
        changed = replace(after, id=before.id, generation=new_generation())
        args = (
            before.key,
            data,
            changed.key,
            self._records.signed(changed),
            self._generations + changed.id,
            _generation(changed),
            "1" if needs_admin else "",
        )
        done = await self._ending.script(REPLACE, self._keys, args)
        if done == 0:
            raise UserChanged(f"the user {before.name!r} was changed by somebody else")
        if done == NO_OTHER_ADMIN:
            raise LastAdministrator("there is no other administrator")
        if done < 0:
            raise UserExists(f"there is a user {after.name!r} already")
        self._changes.heard("user.update", changed.id, before, changed)
        return changed

    async def delete(self, name: str) -> bool:
        """Removes an account and ends its sessions and tokens; False where there was none."""
        args = (name.lower(), self._generations)
        there = bool(await self._ending.script(DELETE, (self._keys[0], *self._with_account), args))
        if there:
            self._changes.heard("user.delete", name, None, None)
        return there

    def _with_generation(self, name: str, answer: Any) -> User | None:
        user = self._records.read(name, answer[0])
        return None if user is None else replace(user, generation=answer[1].decode())


class AccountRecords:
    """The records of accounts, signed under their names."""

    def __init__(self, names: KeyNames, mac: RecordMac) -> None:
        self._names = names
        self.key = names.accounts
        self._generations = names.user_generations
        self._mac = mac

    def signed(self, user: User) -> str:
        """The signed record."""
        return self._mac.sign(self._names.record("users", user.key), write_user(user))

    def read(self, name: str, data: bytes) -> User | None:
        """The account in a record; None where its MAC is not valid. `name` is in lower case."""
        record = self._mac.verify(self._names.record("users", name), data)
        return None if record is None else read_user(record)

    async def identify(self, commands: Commands, name: str, data: bytes) -> User | None:
        """Gives an account of an earlier version an id; None where it is malformed or was changed meanwhile.

        `name` is in lower case.
        """
        user = self.read(name, data)
        if user is None:
            return None
        user = replace(user, id=new_user_id("store"), generation=new_generation())
        args = (name, data, self.signed(user), self._generations + user.id, _generation(user))
        return user if await commands.script(IDENTIFY, (self.key,), args) else None


def _generation(user: User) -> str:
    return f"{user.generation} {user.name}"


def write_user(user: User) -> str:
    """The record of a user."""
    members = {
        "id": user.id,
        "name": user.name,
        "password": user.password,
        "role": user.role,
        # For gateways of an earlier version.
        "admin": user.admin,
        "created": user.created,
        "provider": user.provider,
    }
    states = {"blocked": user.blocked, "pending": user.pending}
    return write_record(members | {name: True for name, holds in states.items() if holds})


def read_user(data: bytes) -> User | None:
    """The user in a record; None where it is malformed."""
    try:
        record = JsonRecord.parse(data)
        provider = record.text("provider", "")
        return User(
            name=record.text("name"),
            # Only who signs in elsewhere has none.
            password="" if provider else record.text("password"),
            role=_role(record),
            source="store",
            created=record.whole("created", 0),
            id=record.text("id", ""),
            blocked=record.truth("blocked", default=False),
            pending=record.truth("pending", default=False),
            provider=provider,
        )
    except (ValueError, TypeError):
        return None


def _role(record: JsonRecord) -> Role:
    written = record.text("role", "")
    if not written:
        # A record of an earlier version.
        return "admin" if record.truth("admin", default=False) else "developer"
    role = role_named(written)
    if role is None:
        raise ValueError("no such role")
    return role
