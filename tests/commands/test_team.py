"""`gatepost team …`: teams of the portal, managed from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.options import load
from gateway.commands.store_access import with_store
from gateway.oauth.application import Application
from gateway.oauth.team import Member, Team
from gateway.store import Store
from tests.commands.conftest import gatepost, said, shown

pytestmark = pytest.mark.usefixtures("file")
TEAM = "team:1"


@pytest.fixture
def people(file: Path) -> dict[str, str]:
    """Two people, of whom one owns a team with an application; their ids by name."""
    ids = {name: shown("user", "add", name)["id"] for name in ("ada", "bob")}

    async def work(store: Store) -> None:
        await store.teams.create(Team(TEAM, "Shop", (Member(ids["ada"], "owner"),), 1_800_000_000))
        await store.applications.create(Application("till", "Till", TEAM))

    with_store(load(file), work)
    return ids


def roles() -> dict[str, str]:
    return {one["name"]: one["role"] for one in shown("team", "show", TEAM)["members"]}


def test_teams_are_listed_and_shown(people: dict[str, str]) -> None:
    (one,) = shown("team", "list", "--json")
    assert (one["id"], one["name"], one["created"]) == (TEAM, "Shop", "2027-01-15T08:00:00Z")
    assert one["members"] == [{"id": people["ada"], "name": "ada", "role": "owner"}]
    head, row = gatepost("team", "list").stdout.splitlines()
    assert head.split() == ["ID", "NAME", "OWNERS", "MEMBERS", "CREATED"]
    assert row.split() == [TEAM, "Shop", "ada", "1", "2027-01-15T08:00:00Z"]
    assert shown("team", "show", TEAM)["applications"] == [{"id": "till", "name": "Till"}]


def test_members_come_change_and_go(people: dict[str, str]) -> None:
    shown("team", "add", TEAM, "BOB")
    assert roles() == {"ada": "owner", "bob": "member"}
    assert said("team", "remove", TEAM, people["ada"]).startswith("gatepost: a team needs an owner")
    shown("team", "role", TEAM, people["bob"], "owner")
    shown("team", "remove", TEAM, people["ada"])
    assert roles() == {"bob": "owner"}


def test_an_application_is_given_and_then_the_team_can_be_deleted(people: dict[str, str]) -> None:
    assert "the team has applications" in said("team", "delete", TEAM)
    assert shown("team", "give", "till", "bob")["owner"] == people["bob"]
    assert shown("team", "give", "till", TEAM)["owner_name"] == "Shop"
    shown("team", "give", "till", people["ada"])
    assert gatepost("team", "delete", TEAM).exit_code == 0
    assert shown("team", "list", "--json") == []


def test_the_last_owner_of_a_team_is_not_removed_and_is_told_of_when_blocked(people: dict[str, str]) -> None:
    assert "make somebody else an owner first" in said("user", "delete", "ada")
    assert shown("user", "block", "ada")["last_owner_of"] == [{"id": TEAM, "name": "Shop"}]
    shown("team", "add", TEAM, "bob", "--role", "owner")
    assert shown("user", "block", "ada")["last_owner_of"] == []
    assert gatepost("user", "delete", "ada").exit_code == 0
    assert roles() == {"bob": "owner"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "team:none"), "there is no team 'team:none'"),
        (("delete", "team:none"), "there is no team 'team:none'"),
        (("add", TEAM, "nobody"), "there is no user 'nobody' in the store"),
        (("add", TEAM, "store:nobody"), "there is no user 'store:nobody' in the store"),
        (("give", "none", TEAM), "there is no application 'none'"),
        (("give", "till", "team:none"), "there is no user 'team:none' in the store"),
    ],
)
def test_what_is_not_there_is_said_so(people: dict[str, str], words: tuple[str, ...], told: str) -> None:
    assert said("team", *words) == f"gatepost: {told}"
