"""The passkeys of people: a signed record for each person, in one hash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.errors import GatepostError
from gateway.oauth.passkey import Passkey
from gateway.oauth.user import User
from gateway.store.change_listener import ChangeListener
from gateway.store.json_record import JsonRecord, write_record
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script

KIND = "passkeys"
"""What `KeyNames.record` calls the records."""
REPLACE = Script(
    "passkeys.replace",
    """
local user, before, after, generation, word = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if (redis.call('HGET', KEYS[1], user) or '') ~= before then return 0 end
if after == '' then
  redis.call('HDEL', KEYS[1], user)
  return 1
end
-- Who was removed, or given another password, meanwhile, gets none.
if string.match(redis.call('GET', generation) or '', '^%S+') ~= word then return 0 end
redis.call('HSET', KEYS[1], user, after)
return 1
""",
)


class PasskeysChanged(GatepostError):  # noqa: N818 (it says what the matter is)
    """The passkeys, or their person, were changed meanwhile."""


@dataclass(frozen=True, slots=True)
class StoredPasskeys:
    """A person's passkeys, as they were read."""

    passkeys: tuple[Passkey, ...] = ()
    data: bytes = b""
    """The record; empty: there is none."""


class PasskeyStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(
        self,
        link: StoreLink,
        names: KeyNames,
        mac: RecordMac,
        changes: ChangeListener | None = None,
        ending: Commands | None = None,
    ) -> None:
        """`ending` revokes; None: `link` does. `changes` hears of passkeys that come and go."""
        self._link = link
        self._ending: Commands = link if ending is None else ending
        self._names = names
        self._mac = mac
        self._changes = changes or ChangeListener()

    async def read(self, user_id: str) -> StoredPasskeys:
        """A person's passkeys. A record whose MAC is not valid has none, and is written over."""
        data = await self._link.execute("HGET", self._names.passkeys, user_id)
        if data is None:
            return StoredPasskeys()
        return StoredPasskeys(self._read(user_id, data), data)

    async def counts(self, ids: Iterable[str]) -> dict[str, int]:
        """How many passkeys these people have, by id; only those who have any."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        found = await self._link.execute("HMGET", self._names.passkeys, *wanted)
        each = zip(wanted, found, strict=True)
        numbers = {one: len(self._read(one, data)) for one, data in each if data is not None}
        return {one: number for one, number in numbers.items() if number}

    async def replace(self, user: User, before: StoredPasskeys, after: tuple[Passkey, ...]) -> None:
        """Writes a person's passkeys. Raises PasskeysChanged."""
        record = self._mac.sign(self._record(user.id), write_passkeys(after)) if after else ""
        generation = self._names.user_generations + user.id
        args = (user.id, before.data, record, generation, user.generation)
        commands = self._ending if len(after) < len(before.passkeys) else self._link
        if not await commands.script(REPLACE, (self._names.passkeys,), args):
            raise PasskeysChanged("the passkeys were changed meanwhile")
        had, has = {one.id: one for one in before.passkeys}, {one.id: one for one in after}
        for new in (one for one in after if one.id not in had):
            self._changes.heard("passkey.add", user.id, None, _shown(new))
        for gone in (one for one in before.passkeys if one.id not in has):
            self._changes.heard("passkey.remove", user.id, _shown(gone), None)

    async def remove_all(self, user: User) -> int:
        """Removes a person's passkeys; how many there were."""
        while True:
            before = await self.read(user.id)
            if not before.data:
                return 0
            try:
                await self.replace(user, before, ())
            except PasskeysChanged:
                continue
            return len(before.passkeys)

    def _record(self, user_id: str) -> str:
        return self._names.record(KIND, user_id)

    def _read(self, user_id: str, data: bytes) -> tuple[Passkey, ...]:
        record = self._mac.verify(self._record(user_id), data)
        return () if record is None else read_passkeys(record)


def _shown(passkey: Passkey) -> Mapping[str, str]:
    return {"name": passkey.name, "id": passkey.id}


def write_passkeys(passkeys: Iterable[Passkey]) -> str:
    """The record of passkeys."""
    each = [
        {
            "id": one.id,
            "name": one.name,
            "key": one.public_key,
            "count": one.sign_count,
            "created": one.created,
            "used": one.used,
            "transports": list(one.transports),
        }
        for one in passkeys
    ]
    return write_record({"passkeys": each})


def read_passkeys(data: bytes) -> tuple[Passkey, ...]:
    """The passkeys in a record; none where it is malformed."""
    try:
        return tuple(
            Passkey(
                one.text("id"),
                one.text("name"),
                one.text("key"),
                one.whole("count"),
                one.whole("created"),
                one.whole("used", 0),
                one.texts("transports"),
            )
            for one in JsonRecord.parse(data).records("passkeys")
        )
    except (ValueError, TypeError):
        return ()
