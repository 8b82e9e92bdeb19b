"""Teams in the store: two who change one at once, forged records, members who must exist."""

from __future__ import annotations

import asyncio

import pytest

from gateway.oauth.team import Member, Team, TeamRefused
from gateway.oauth.user import User
from gateway.store import MemberMissing, Store, TeamMissing
from gateway.store.teams import read_team, write_team

TEAM = Team("team:1", "Größe", (Member("store:ada", "owner"), Member("store:bob", "owner")), 7)
BOTH = {"store:ada", "store:bob"}


def test_a_record_is_read_as_it_was_written() -> None:
    assert read_team(TEAM.id, write_team(TEAM).encode()) == TEAM
    assert read_team(TEAM.id, b'{"name":"x","members":[{"id":"store:ada","role":"god"}]}') is None
    assert read_team(TEAM.id, b'{"name":7}') is None


async def test_teams_are_kept_listed_and_removed(store: Store) -> None:
    await store.teams.create(TEAM)
    other = Team("team:2", "Another")
    await store.teams.create(other)
    assert await store.teams.get(TEAM.id) == TEAM
    assert await store.teams.list() == [other, TEAM]
    assert await store.teams.get_many([TEAM.id, "team:3"]) == {TEAM.id: TEAM}
    await store.teams.delete(TEAM.id)
    assert await store.teams.get(TEAM.id) is None
    with pytest.raises(TeamMissing):
        await store.teams.update(TEAM.id, lambda one: one)


async def test_of_two_owners_who_leave_at_once_one_stays(store: Store) -> None:
    await store.teams.create(TEAM)
    leaving = (store.teams.update(TEAM.id, lambda one, who=who: one.without(who, BOTH)) for who in BOTH)
    outcomes = await asyncio.gather(*leaving, return_exceptions=True)
    assert sum(isinstance(one, TeamRefused) for one in outcomes) == 1
    left = await store.teams.get(TEAM.id)
    assert left is not None
    assert len(left.owner_ids) == 1


async def test_a_new_member_must_exist_in_the_same_step(store: Store) -> None:
    await store.teams.create(TEAM)
    made = await store.users.create(User("eve", "x", source="store"))
    changed = await store.teams.update(TEAM.id, lambda one: one.with_member(made.id, "member"), [made.id])
    assert changed.role_of(made.id) == "member"
    await store.users.delete("eve")
    with pytest.raises(MemberMissing):
        await store.teams.update(TEAM.id, lambda one: one, [made.id])


async def test_a_forged_team_is_none(store: Store) -> None:
    await store.teams.create(TEAM)
    key = store.names.teams
    signed = await store.link.execute("HGET", key, TEAM.id)
    await store.link.execute("HSET", key, "team:2", signed)
    assert await store.teams.get("team:2") is None
    assert await store.teams.list() == [TEAM]
