"""The portal's teams: made, joined, managed, ended.

Who may do what is decided by `gateway.accounts.access` before. That a team keeps an owner is decided in the
same step as the change.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.accounts.access import may_see_team
from gateway.clock import Clock
from gateway.oauth.application import Application
from gateway.oauth.team import TEAM_OWNER, Member, Team, TeamRefused, TeamRole
from gateway.oauth.user import User
from gateway.store.teams import MemberMissing, TeamMissing, TeamStore
from gateway.translation.text import gettext

__all__ = ["LastOwner", "MemberMissing", "TeamMissing", "Teams", "anything"]

MAX_TEAMS = 50
"""Teams that somebody may own, so that no user fills the store."""
ID_BYTES = 12


def anything(_: Team) -> None:
    """Whatever it is, it may be changed."""


class LastOwner(TeamRefused):
    """Somebody can't go, who is the last owner of a team that needs one."""


class UserNames(Protocol):
    """Looks up user names."""

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of the users with these ids, as far as they exist."""


class OwnedApplications(Protocol):
    """Looks up what a team has."""

    async def list(self) -> list[Application]:
        """Every application."""


class Teams:
    """Every method raises StoreUnavailable unless the store has answered, and then nothing has changed."""

    def __init__(
        self, store: TeamStore, applications: OwnedApplications, users: UserNames, clock: Clock
    ) -> None:
        self._store = store
        self._applications = applications
        self._users = users
        self._clock = clock

    async def seen_by(self, user: User) -> list[Team]:
        """The teams that a user may see: their own, or all for an administrator."""
        return [one for one in await self._store.list() if may_see_team(user, one)]

    async def of(self, user: User) -> list[Team]:
        """The teams that a user is a member of."""
        return [one for one in await self._store.list() if one.role_of(user.id) is not None]

    async def find(self, user: User, team_id: str) -> Team | None:
        """The team; None where there is none, or the user may not see it."""
        team = await self.get(team_id)
        return team if team is not None and may_see_team(user, team) else None

    async def get(self, team_id: str) -> Team | None:
        """The team of that id, whoever asks; None where there is none."""
        return await self._store.get(team_id) if team_id.startswith(TEAM_OWNER) else None

    async def member_names(self, team: Team) -> dict[str, str]:
        """The names of its members, by id, as far as they exist still."""
        return await self._users.names(one.id for one in team.members)

    async def applications(self, team: Team) -> list[Application]:
        """The applications of a team, by name."""
        return [one for one in await self._applications.list() if one.owner == team.id]

    async def create(self, user: User, name: str) -> Team:
        """A new team, whose owner the user is. Raises TeamRefused."""
        own = await self.of(user)
        if sum(one.role_of(user.id) == "owner" for one in own) >= MAX_TEAMS:
            raise TeamRefused(gettext("Somebody can own %(most)s teams at the most.", most=MAX_TEAMS))
        if any(one.name.lower() == name.lower() for one in own):
            raise TeamRefused(gettext("You are in a team of this name already."))
        made = Team(
            TEAM_OWNER + secrets.token_hex(ID_BYTES),
            name,
            (Member(user.id, "owner"),),
            created=int(self._clock()),
        )
        await self._store.create(made)
        return made

    async def rename(self, team: Team, name: str, check: Callable[[Team], None] = anything) -> Team:
        """Gives the team another name. `check` sees what is changed, in the same step, and may raise."""

        def renamed(one: Team) -> Team:
            check(one)
            return replace(one, name=name)

        return await self._store.update(team.id, renamed)

    async def add(
        self, team: Team, user_id: str, role: TeamRole, check: Callable[[Team], None] = anything
    ) -> Team:
        """Makes a user a member. `check` is as above. Raises TeamRefused, MemberMissing."""

        def added(one: Team) -> Team:
            check(one)
            return one.with_member(user_id, role)

        return await self._store.update(team.id, added, (user_id,))

    async def change_role(
        self, team: Team, user_id: str, role: TeamRole, check: Callable[[Team], None] = anything
    ) -> Team:
        """Gives a member another role. `check` is as above. Raises TeamRefused."""
        there = await self.member_names(team)

        def changed(one: Team) -> Team:
            check(one)
            return one.with_role(user_id, role, there)

        return await self._store.update(team.id, changed, ends=role == "member")

    async def remove(self, team: Team, user_id: str, check: Callable[[Team], None] = anything) -> Team:
        """Removes a member. `check` is as above. Raises TeamRefused."""
        there = await self.member_names(team)

        def removed(one: Team) -> Team:
            check(one)
            return one.without(user_id, there)

        return await self._store.update(team.id, removed, ends=True)

    async def delete(self, team: Team, check: Callable[[Team], None] = anything) -> None:
        """Deletes a team that owns no application. `check` is as above. Raises TeamRefused.

        It is marked before its applications are looked for, and whoever gives it one looks at the mark
        afterwards (`gateway.accounts.applications`): one of the two always sees the other.
        """

        def marked(one: Team) -> Team:
            check(one)
            return replace(one, closing=True)

        await self._store.update(team.id, marked)
        owned = await self.applications(team)
        if owned:
            await self._store.update(team.id, lambda one: replace(one, closing=False))
            raise TeamRefused(gettext("The team has applications: delete them or hand them over first."))
        await self._store.delete(team.id)

    async def needing(self, user: User) -> list[Team]:
        """The teams that would be left without an owner, though they have other members or applications."""
        alone = [one for one in await self.of(user) if await self._is_last_owner(user.id, one)]
        if not alone:
            return []
        owners = {one.owner for one in await self._applications.list()}
        return [one for one in alone if len(one.members) > 1 or one.id in owners]

    async def leave_all(self, user: User) -> None:
        """Takes somebody who goes out of all teams, and deletes those that nobody is left in.

        Raises LastOwner where a team needs them: then nothing has changed.
        """
        refuse_last_owner(await self.needing(user))
        for team in await self.of(user):
            if team.members == (Member(user.id, "owner"),):
                await self.delete(team, _only(user.id))
            else:
                await self.remove(team, user.id)

    async def _is_last_owner(self, user_id: str, team: Team) -> bool:
        if team.role_of(user_id) != "owner":
            return False
        there = await self.member_names(team)
        return not any(one in there and one != user_id for one in team.owner_ids)


def refuse_last_owner(teams: Sequence[Team]) -> None:
    """Raises LastOwner where there are teams that need somebody."""
    if teams:
        named = ", ".join(one.name for one in teams)
        raise LastOwner(f"Make somebody else an owner first, or delete the team: {named}.")


def _only(user_id: str) -> Callable[[Team], None]:
    def check(team: Team) -> None:
        if team.members != (Member(user_id, "owner"),):
            raise TeamRefused(gettext("The team has another member meanwhile."))

    return check
