"""The one rule of who may do what with applications and teams."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.accounts.access import may, may_manage_team, may_receive, may_see_team, needs_second_owner
from gateway.oauth.application import Application
from gateway.oauth.team import Member, Team
from gateway.oauth.user import User

OWNER, MEMBER, OTHER = (User(name, "x", id=f"store:{name}") for name in ("owner", "member", "other"))
ROOT = User("root", "x", role="admin", id="file:root")
NOBODY = User("new", "x")
TEAM = Team("team:1", "Shop", (Member(OWNER.id, "owner"), Member(MEMBER.id, "member")))
PROGRAM = User("team/Shop", "", id=TEAM.id)
TEAMS = {TEAM.id: TEAM}
OWN, TEAMS_OWN = Application("a", "Own", OWNER.id), Application("b", "Team's", TEAM.id)


@pytest.mark.parametrize(
    ("user", "own", "team", "give", "give_team", "see", "manage", "receive"),
    [
        (OWNER, True, True, True, True, True, True, True),
        (MEMBER, False, True, False, False, True, False, False),
        (PROGRAM, False, True, False, False, True, False, True),
        (OTHER, False, False, False, False, False, False, False),
        (NOBODY, False, False, False, False, False, False, False),
        (ROOT, True, True, True, True, True, True, True),
    ],
)
def test_what_each_may(
    user: User, own: bool, team: bool, give: bool, give_team: bool, see: bool, manage: bool, receive: bool
) -> None:
    assert may(user, "manage", OWN, TEAMS) is own
    assert may(user, "manage", TEAMS_OWN, TEAMS) is team
    assert may(user, "hand_over", OWN, TEAMS) is give
    assert may(user, "hand_over", TEAMS_OWN, TEAMS) is give_team
    assert (may_see_team(user, TEAM), may_manage_team(user, TEAM)) == (see, manage)
    assert may_receive(user, TEAM.id, TEAMS) is receive


def test_an_application_without_an_owner_is_nobodys() -> None:
    lost = Application("c", "Lost", "")
    assert not any(may(one, "manage", lost, TEAMS) for one in (OWNER, MEMBER, NOBODY))
    gone = Application("d", "Gone", TEAM.id)
    assert not may(OWNER, "manage", gone, {}), "the team does not exist"


def test_an_application_is_given_to_oneself_or_ones_team_alone() -> None:
    assert may_receive(OWNER, OWNER.id, {})
    assert not may_receive(OWNER, OTHER.id, {})
    assert not may_receive(OTHER, TEAM.id, TEAMS)
    assert may_receive(ROOT, OTHER.id, {})


def test_some_roles_see_what_is_everybodys_and_a_viewer_manages_no_team() -> None:
    publisher, viewer = User("pub", "x", "publisher", id="store:pub"), User("eve", "x", "viewer", id=OWNER.id)
    for right in ("subscriptions", "usage", "refusals"):
        assert may(publisher, right, OWN, {})  # type: ignore[arg-type]
        assert not may(OTHER, right, OWN, {})  # type: ignore[arg-type]
        assert may(OWNER, right, OWN, {})  # type: ignore[arg-type]
    assert not may(publisher, "manage", OWN, {})
    assert not may(publisher, "hand_over", OWN, {})
    assert (may_see_team(viewer, TEAM), may_manage_team(viewer, TEAM)) == (True, False)


def test_an_application_in_production_needs_a_second_owner() -> None:
    alone = replace(OWN, production="key")
    teams = replace(TEAMS_OWN, production="key")
    two = replace(TEAM, members=(Member(OWNER.id, "owner"), Member(OTHER.id, "owner")))
    there = {OWNER.id, MEMBER.id, OTHER.id}
    assert needs_second_owner(alone, None, ())
    assert needs_second_owner(teams, TEAM, there)
    assert needs_second_owner(teams, two, {OWNER.id}), "the other one is gone"
    assert not needs_second_owner(teams, two, there)
    assert not needs_second_owner(OWN, None, ()), "it has no production keys"
    assert not needs_second_owner(replace(alone, has_owner=False), None, ())
    assert not needs_second_owner(replace(alone, owner="client:robot"), None, ())
