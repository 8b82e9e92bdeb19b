"""A team's members and roles; it keeps an owner who exists."""

from __future__ import annotations

import pytest

from gateway.oauth.team import MAX_MEMBERS, Member, Team, TeamRefused

ADA, BOB, EVE = "store:ada", "store:bob", "store:eve"
ALL = {ADA, BOB, EVE}
TEAM = Team("team:1", "Shop", (Member(ADA, "owner"), Member(BOB, "member")))


def test_members_come_and_go() -> None:
    more = TEAM.with_member(EVE, "member")
    assert [more.role_of(one) for one in (ADA, BOB, EVE, "store:other", "")] == [
        "owner",
        "member",
        "member",
        None,
        None,
    ]
    assert more.without(BOB, ALL).role_of(BOB) is None


def test_nobody_is_a_member_twice_and_a_team_has_an_end() -> None:
    with pytest.raises(TeamRefused, match="already"):
        TEAM.with_member(BOB, "owner")
    full = Team("team:2", "Full", tuple(Member(f"store:{one}", "owner") for one in range(MAX_MEMBERS)))
    with pytest.raises(TeamRefused, match="at the most"):
        full.with_member(ADA, "member")


@pytest.mark.parametrize("user", [EVE, ""])
def test_who_is_no_member_can_be_neither_removed_nor_given_a_role(user: str) -> None:
    with pytest.raises(TeamRefused):
        TEAM.without(user, ALL)
    with pytest.raises(TeamRefused):
        TEAM.with_role(user, "owner", ALL)


def test_the_last_owner_stays_until_there_is_another_one() -> None:
    for change in (lambda one: one.without(ADA, ALL), lambda one: one.with_role(ADA, "member", ALL)):
        with pytest.raises(TeamRefused, match="needs an owner"):
            change(TEAM)
    both = TEAM.with_role(BOB, "owner", ALL)
    assert both.without(ADA, ALL).owner_ids == (BOB,)
    with pytest.raises(TeamRefused):
        both.without(ADA, {ADA, EVE})


def test_a_team_whose_owners_are_all_gone_can_be_put_in_order() -> None:
    assert TEAM.without(ADA, {BOB}).members == (Member(BOB, "member"),)
    assert TEAM.with_role(BOB, "owner", {BOB}).owner_ids == (ADA, BOB)
