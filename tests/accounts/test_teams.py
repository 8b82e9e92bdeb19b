"""Teams and their applications: made, deleted, and left by people who go."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

import pytest

from gateway.accounts.applications import ApplicationRefused, Applications, KeySettings
from gateway.accounts.registry import ClientRegistry
from gateway.accounts.teams import LastOwner, Teams
from gateway.oauth.application import Application
from gateway.oauth.team import Team, TeamRefused
from gateway.oauth.user import User
from gateway.store import Store
from tests.services import Clock

SETTINGS = KeySettings(frozenset({"client_credentials"}), ("orders.read",), (), 60)


class People:
    """Who exists."""

    def __init__(self, *users: User) -> None:
        self.there = {one.id: one.name for one in users}

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        return {one: self.there[one] for one in ids if one in self.there}


class Deployment:
    """Teams and applications on one store, with three people."""

    def __init__(self, store: Store, people: Sequence[User]) -> None:
        self.ada, self.bob, self.eve = people
        self.people = People(*people)
        self.teams = Teams(store.teams, store.applications, self.people, Clock())
        registry = ClientRegistry(store.clients, store.tokens, Clock(), secrets.token_bytes)
        self.applications = Applications(
            store.applications, store.clients, registry, self.people, store.teams, Clock()
        )


@pytest.fixture
async def at(store: Store) -> Deployment:
    return Deployment(
        store, [await store.users.create(User(one, "x", source="store")) for one in ("ada", "bob", "eve")]
    )


async def test_members_see_a_teams_applications_and_nobody_else_does(at: Deployment) -> None:
    team = await at.teams.create(at.ada, "Shop")
    await at.teams.add(team, at.bob.id, "member")
    made = await at.applications.create(at.bob, "Till", "", "", team)
    assert (made.owner, made.owner_name) == (team.id, "Shop")
    for user in (at.ada, at.bob):
        assert [one.name for one in await at.applications.search(user)] == ["Till"]
    assert await at.applications.find(at.ada, made.id) == made
    assert await at.applications.find(at.ada, made.id, "hand_over") == made
    assert await at.applications.find(at.bob, made.id, "hand_over") is None
    assert await at.applications.find(at.eve, made.id) is None
    assert await at.applications.search(at.eve) == []
    assert await at.teams.find(at.eve, team.id) is None
    assert [one.name for one in await at.teams.seen_by(at.bob)] == ["Shop"]
    await at.teams.remove(team, at.bob.id)
    assert await at.applications.find(at.bob, made.id) is None


async def test_a_team_with_applications_is_not_deleted_and_takes_further_ones(at: Deployment) -> None:
    team = await at.teams.create(at.ada, "Shop")
    made = await at.applications.create(at.ada, "Till", "", "", team)
    with pytest.raises(TeamRefused, match="has applications"):
        await at.teams.delete(team)
    other = await at.applications.create(at.ada, "Stock", "", "", team)
    for one in (made, other):
        await at.applications.change_owner(one, at.ada)
    await at.teams.delete(team)
    assert await at.teams.get(team.id) is None


async def test_a_team_that_is_being_deleted_gets_no_application(at: Deployment, store: Store) -> None:
    team = await at.teams.create(at.ada, "Shop")
    own = await at.applications.create(at.ada, "Till", "")
    listed = store.applications.list

    async def meanwhile() -> list[Application]:
        # As if both came at once: neither may win over the other.
        found = await listed()
        with pytest.raises(ApplicationRefused, match="is being deleted"):
            await at.applications.change_owner(own, team)
        with pytest.raises(ApplicationRefused, match="is being deleted"):
            await at.applications.create(at.ada, "Stock", "", "", team)
        return found

    class Slow:
        list = staticmethod(meanwhile)

    await Teams(store.teams, Slow(), at.people, Clock()).delete(team)
    assert [(one.name, one.owner) for one in await listed()] == [("Till", at.ada.id)]


async def test_of_two_who_give_an_application_away_one_wins(at: Deployment) -> None:
    team = await at.teams.create(at.ada, "Shop")
    own = await at.applications.create(at.ada, "Till", "")
    await at.applications.change_owner(own, team)
    with pytest.raises(ApplicationRefused, match="another owner meanwhile"):
        await at.applications.change_owner(own, at.bob)
    with pytest.raises(ApplicationRefused, match="another owner meanwhile"):
        await at.applications.generate_keys(own, "production", SETTINGS)


async def test_who_goes_leaves_teams_and_ends_those_of_nobody_else(at: Deployment) -> None:
    shared, alone = await at.teams.create(at.ada, "Shared"), await at.teams.create(at.ada, "Alone")
    await at.teams.add(shared, at.bob.id, "owner")
    await at.teams.leave_all(at.ada)
    assert await at.teams.get(alone.id) is None
    left = await at.teams.get(shared.id)
    assert left is not None
    assert [one.id for one in left.members] == [at.bob.id]


@pytest.mark.parametrize("case", ["others", "applications"])
async def test_the_last_owner_of_a_team_that_needs_one_stays_in_all(at: Deployment, case: str) -> None:
    free, team = await at.teams.create(at.ada, "Free"), await at.teams.create(at.ada, "Needs")
    if case == "others":
        await at.teams.add(team, at.bob.id, "member")
    else:
        await at.applications.create(at.ada, "Till", "", "", team)
    assert [one.name for one in await at.teams.needing(at.ada)] == ["Needs"]
    with pytest.raises(LastOwner, match="Needs"):
        await at.teams.leave_all(at.ada)
    assert await at.teams.get(free.id) == free, "nothing has changed"


async def test_an_owner_who_no_longer_exists_is_none(at: Deployment) -> None:
    team = await at.teams.create(at.ada, "Shop")
    await at.teams.add(team, at.bob.id, "owner")
    del at.people.there[at.bob.id]
    with pytest.raises(TeamRefused, match="needs an owner"):
        await at.teams.remove(team, at.ada.id)
    assert (await at.teams.remove(team, at.bob.id)).owner_ids == (at.ada.id,)


async def test_names_of_teams_differ_for_each_of_their_members(at: Deployment) -> None:
    team: Team = await at.teams.create(at.ada, "Shop")
    with pytest.raises(TeamRefused, match="of this name"):
        await at.teams.create(at.ada, "SHOP")
    await at.teams.create(at.bob, "shop")
    assert (await at.teams.rename(team, "Store")).name == "Store"
