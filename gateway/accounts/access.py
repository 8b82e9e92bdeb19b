"""Who may do what with an application or a team: one rule, for the pages and for the REST interface.

What somebody may not see does not exist for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from gateway.oauth.application import Application
from gateway.oauth.roles import Right, allows
from gateway.oauth.team import TEAM_OWNER, Team
from gateway.oauth.user import User, is_person

ApplicationRight = Literal["manage", "hand_over", "subscriptions", "usage", "refusals"]
"""`manage`: see and change it, with its keys, subscriptions and usage. `hand_over`: change its owner.

Who may manage it has the others, too; and some roles have them of everybody's applications.
"""
_OF_ALL: dict[ApplicationRight, Right] = {
    "subscriptions": "decide_subscriptions",
    "usage": "see_all_usage",
    "refusals": "see_all_refusals",
}


def may(user: User, right: ApplicationRight, application: Application, teams: Mapping[str, Team]) -> bool:
    """Whether a user has a right to an application. `teams`: those that may own it, by id."""
    if user.admin or (right in _OF_ALL and allows(user.role, _OF_ALL[right])):
        return True
    if not user.id:
        return False
    if application.owner == user.id:
        # A program of a team acts for the team, but is none of its owners.
        return right != "hand_over" or not user.id.startswith(TEAM_OWNER)
    team = teams.get(application.owner)
    role = None if team is None else team.role_of(user.id)
    return role == "owner" if right == "hand_over" else role is not None


def may_see_team(user: User, team: Team) -> bool:
    """Whether a team exists for a user: for its members, its own programs and administrators."""
    return user.admin or (user.id != "" and (user.id == team.id or team.role_of(user.id) is not None))


def may_manage_team(user: User, team: Team) -> bool:
    """Whether a user may invite, remove, change roles, rename and delete."""
    return user.admin or (team.role_of(user.id) == "owner" and allows(user.role, "create"))


def may_receive(user: User, owner: str, teams: Mapping[str, Team]) -> bool:
    """Whether a user may give applications to an owner, by id: to themselves, and to teams that they own."""
    if user.admin or owner == user.id:
        return True
    team = teams.get(owner)
    return team is not None and team.role_of(user.id) == "owner"


def needs_second_owner(application: Application, team: Team | None, there: Collection[str]) -> bool:
    """Whether an application in production depends on one person. `there`: the members who exist still."""
    if application.production is None:
        return False
    if team is None:
        return application.has_owner and is_person(application.owner)
    return sum(one in there for one in team.owner_ids) == 1
