"""A team of the portal: people who have applications together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from gateway.errors import GatepostError
from gateway.translation.text import gettext

TeamRole = Literal["owner", "member"]
TEAM_ROLES: tuple[TeamRole, ...] = ("owner", "member")
TEAM_OWNER = "team:"
"""Prefix of a team's id, and so of an application's owner that is a team."""
MAX_MEMBERS = 100


class TeamRefused(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """A team can't be created or changed; the text, for the user, says why."""


@dataclass(slots=True, frozen=True)
class Member:
    """Somebody of a team."""

    id: str
    """The user's id."""
    role: TeamRole


@dataclass(slots=True, frozen=True)
class Team:
    """People who see and manage the same applications. Its owners also manage the team."""

    id: str
    """`TEAM_OWNER` and random characters."""
    name: str
    members: tuple[Member, ...] = ()
    created: int = 0
    """Seconds since the epoch."""
    closing: bool = False
    """Whether somebody is deleting it: it gets no application any more."""

    def role_of(self, user_id: str) -> TeamRole | None:
        """The role of a user in the team; None: the user is no member."""
        return next((one.role for one in self.members if one.id == user_id), None)

    @property
    def owner_ids(self) -> tuple[str, ...]:
        """The users who are its owners."""
        return tuple(one.id for one in self.members if one.role == "owner")

    def with_member(self, user_id: str, role: TeamRole) -> Team:
        """The team with another member. Raises TeamRefused."""
        if self.role_of(user_id) is not None:
            raise TeamRefused(gettext("This user is a member already."))
        if len(self.members) >= MAX_MEMBERS:
            raise TeamRefused(gettext("A team has %(most)s members at the most.", most=MAX_MEMBERS))
        return replace(self, members=(*self.members, Member(user_id, role)))

    def with_role(self, user_id: str, role: TeamRole, there: Collection[str]) -> Team:
        """The team with another role of a member. `there`: the users who exist. Raises TeamRefused."""
        if self.role_of(user_id) is None:
            raise TeamRefused(gettext("This user is not a member, or no longer."))
        members = tuple(replace(one, role=role) if one.id == user_id else one for one in self.members)
        return self._if_owned(replace(self, members=members), there)

    def without(self, user_id: str, there: Collection[str]) -> Team:
        """The team without a member. `there` is as above. Raises TeamRefused."""
        if self.role_of(user_id) is None:
            raise TeamRefused(gettext("This user is not a member, or no longer."))
        members = tuple(one for one in self.members if one.id != user_id)
        return self._if_owned(replace(self, members=members), there)

    def _if_owned(self, after: Team, there: Collection[str]) -> Team:
        """A team that has an owner keeps one. Of one whose owners are all gone, anything may be changed."""
        if any(one in there for one in self.owner_ids) and not any(one in there for one in after.owner_ids):
            raise TeamRefused(gettext("A team needs an owner: make another member an owner first."))
        return after
