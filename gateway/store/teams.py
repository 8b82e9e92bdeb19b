"""The portal's teams, in one hash: `<prefix>teams`, id to record. It is in the slot of the people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gateway.errors import GatepostError
from gateway.oauth.team import TEAM_ROLES, Member, Team
from gateway.store.change_listener import ChangeListener
from gateway.store.hash_scan import scan_hash
from gateway.store.json_record import JsonRecord, write_record
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, StoreLink
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script

TRIES = 20
"""How often a change is begun anew because somebody else was quicker."""

CHANGE = Script(
    "teams.change",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then return -1 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""",
)
REMOVE = Script(
    "teams.remove",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
""",
)


class TeamMissing(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """There is no team of this id, or no longer."""


class MemberMissing(GatepostError):  # noqa: N818 (as above)
    """A new member of a team does not exist, or no longer."""


class TeamStore:
    """Every method raises StoreUnavailable unless the store has answered."""

    def __init__(
        self,
        link: StoreLink,
        names: KeyNames,
        mac: RecordMac,
        changes: ChangeListener | None = None,
        ending: Commands | None = None,
    ) -> None:
        """`ending` takes rights away; None: `link` does."""
        self._link = link
        self._ending: Commands = link if ending is None else ending
        self._names = names
        self._mac = mac
        self._changes = changes or ChangeListener()

    async def get(self, team_id: str) -> Team | None:
        """The team of that id; None where there is none."""
        data = await self._raw(team_id)
        return None if data is None else self._read(team_id, data)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Team]:
        """The teams of these ids, as far as they exist, by id."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        found = await self._link.execute("HMGET", self._names.teams, *wanted)
        read = (self._read(one, data) for one, data in zip(wanted, found, strict=True) if data is not None)
        return {one.id: one for one in read if one is not None}

    async def list(self) -> list[Team]:
        """Every team, by name."""
        found: dict[str, Team] = {}
        async for name, data in scan_hash(self._link, self._names.teams):
            team = self._read(name.decode("utf-8", "replace"), data)
            found |= {} if team is None else {team.id: team}
        return sorted(found.values(), key=lambda one: (one.name.lower(), one.id))

    async def create(self, team: Team) -> None:
        """Keeps a new team."""
        await self._link.execute("HSETNX", self._names.teams, team.id, self._signed(team))
        self._changes.heard("team.create", team.id, None, team)

    async def update(
        self, team_id: str, change: Callable[[Team], Team], needs: Sequence[str] = (), *, ends: bool = False
    ) -> Team:
        """Keeps what `change` makes of the team; it runs again where the team was written meanwhile.

        `needs`: users who must exist in the same step. `ends`: somebody loses a right. Raises TeamMissing,
        MemberMissing, and TeamMissing where others keep changing it.
        """
        commands: Commands = self._ending if ends else self._link
        keys = (self._names.teams, *(self._names.user_generations + one for one in needs))
        for _ in range(TRIES):
            before, team = await self._there(team_id)
            after = change(team)
            done = await commands.script(CHANGE, keys, (team_id, before, self._signed(after)))
            if done < 0:
                raise MemberMissing("there is no such user, or no longer")
            if done:
                self._changes.heard("team.update", team_id, team, after)
                return after
        raise TeamMissing("others keep changing this team")

    async def delete(self, team_id: str, check: Callable[[Team], None] = lambda _: None) -> None:
        """Removes a team. `check` sees what is removed, and may raise. Raises TeamMissing."""
        for _ in range(TRIES):
            before, team = await self._there(team_id)
            check(team)
            if await self._ending.script(REMOVE, (self._names.teams,), (team_id, before)):
                self._changes.heard("team.delete", team_id, team, None)
                return
        raise TeamMissing("others keep changing this team")

    async def _there(self, team_id: str) -> tuple[bytes, Team]:
        data = await self._raw(team_id)
        team = None if data is None else self._read(team_id, data)
        if data is None or team is None:
            raise TeamMissing("there is no such team")
        return data, team

    async def _raw(self, team_id: str) -> bytes | None:
        data: Any = await self._link.execute("HGET", self._names.teams, team_id)
        return data if isinstance(data, bytes) else None

    def _signed(self, team: Team) -> str:
        return self._mac.sign(self._names.record("teams", team.id), write_team(team))

    def _read(self, team_id: str, signed: bytes) -> Team | None:
        record = self._mac.verify(self._names.record("teams", team_id), signed)
        return None if record is None else read_team(team_id, record)


def write_team(team: Team) -> str:
    """The record of a team, without its id: that is the record's name."""
    members = [{"id": one.id, "role": one.role} for one in team.members]
    closing = {"closing": True} if team.closing else {}
    return write_record({"name": team.name, "created": team.created, "members": members} | closing)


def read_team(team_id: str, data: bytes) -> Team | None:
    """The team in a record; None where any part of it is not what it should be."""
    try:
        record = JsonRecord.parse(data)
        return Team(
            id=team_id,
            name=record.text("name"),
            members=tuple(_member(one) for one in record.records("members")),
            created=record.whole("created", 0),
            closing=record.truth("closing", default=False),
        )
    except (ValueError, TypeError):
        return None


def _member(record: JsonRecord) -> Member:
    written = record.text("role")
    role = next((one for one in TEAM_ROLES if one == written), None)
    if role is None:
        raise ValueError("no such role")
    return Member(record.text("id"), role)
