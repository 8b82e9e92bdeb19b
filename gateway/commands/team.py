"""`gatepost team …`: manages the portal's teams."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from gateway.accounts.applications import ApplicationRefused, Applications
from gateway.accounts.registry import ClientRegistry
from gateway.accounts.teams import Teams
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit, prints_json
from gateway.commands.store_access import with_store
from gateway.commands.tables import rfc3339, table
from gateway.errors import GatepostError
from gateway.oauth.team import TEAM_ROLES, Team, TeamRefused, TeamRole
from gateway.oauth.user import User
from gateway.store import Store

Result = TypeVar("Result")
_role_option = click.Choice(TEAM_ROLES)


@click.group()
def team() -> None:
    """Manage the portal's teams, who have applications together."""


@team.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the teams as JSON.")
def list_teams(config: Path, as_json: bool) -> None:
    """List the teams."""

    async def work(store: Store) -> list[dict[str, Any]]:
        found = await store.teams.list()
        names = await store.users.names(one.id for each in found for one in each.members)
        return [_described(one, names) for one in found]

    found = with_store(load_or_exit(config), work)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in table(("ID", "NAME", "OWNERS", "MEMBERS", "CREATED"), [_row(one) for one in found]):
        click.echo(line)


@team.command()
@click.argument("team_id", metavar="TEAM")
@config_option
@prints_json
def show(team_id: str, config: Path) -> None:
    """Show a team with its members and applications."""

    async def work(store: Store) -> dict[str, Any]:
        found, teams = await _found(store, team_id), teams_of(store)
        applications = [{"id": one.id, "name": one.name} for one in await teams.applications(found)]
        return _described(found, await teams.member_names(found)) | {"applications": applications}

    click.echo(json.dumps(with_store(load_or_exit(config), work), indent=2))


@team.command()
@click.argument("team_id", metavar="TEAM")
@click.argument("user")
@config_option
@click.option("--role", type=_role_option, default="member", help="What the user is in the team.")
@prints_json
def add(team_id: str, user: str, config: Path, role: str) -> None:
    """Make a user a member of a team."""
    _change(config, team_id, user, lambda teams, one, who: teams.add(one, who, cast(TeamRole, role)))


@team.command("role")
@click.argument("team_id", metavar="TEAM")
@click.argument("user")
@click.argument("role", type=_role_option)
@config_option
@prints_json
def change_role(team_id: str, user: str, role: str, config: Path) -> None:
    """Give a member of a team another role."""
    _change(config, team_id, user, lambda teams, one, who: teams.change_role(one, who, cast(TeamRole, role)))


@team.command()
@click.argument("team_id", metavar="TEAM")
@click.argument("user")
@config_option
@prints_json
def remove(team_id: str, user: str, config: Path) -> None:
    """Remove a member from a team."""
    _change(config, team_id, user, lambda teams, one, who: teams.remove(one, who))


@team.command()
@click.argument("team_id", metavar="TEAM")
@config_option
def delete(team_id: str, config: Path) -> None:
    """Delete a team that has no application."""

    async def work(store: Store) -> None:
        await teams_of(store).delete(await _found(store, team_id))

    with_store(load_or_exit(config), lambda store: as_line(work(store)))


@team.command()
@click.argument("application")
@click.argument("owner")
@config_option
@prints_json
def give(application: str, owner: str, config: Path) -> None:
    """Give an application to a team, by its id, or to a user."""

    async def work(store: Store) -> dict[str, Any]:
        found = await store.applications.get(application)
        if found is None:
            raise GatepostError(f"there is no application {application!r}")
        new: Team | User | None = await store.teams.get(owner)
        if new is None:
            user_id = await _user_id(store, owner)
            new = User((await store.users.names([user_id])).get(user_id, owner), "", id=user_id)
        registry = ClientRegistry(store.clients, store.tokens, system_clock, secrets.token_bytes)
        applications = Applications(
            store.applications, store.clients, registry, store.users, store.teams, system_clock
        )
        changed = await applications.change_owner(found, new)
        return {"id": changed.id, "name": changed.name, "owner": changed.owner, "owner_name": new.name}

    click.echo(json.dumps(with_store(load_or_exit(config), lambda store: as_line(work(store))), indent=2))


def teams_of(store: Store) -> Teams:
    """The teams of a store."""
    return Teams(store.teams, store.applications, store.users, system_clock)


async def as_line(work: Awaitable[Result]) -> Result:
    """The result. What is refused is told as a line of a command, not as a sentence of a page."""
    try:
        return await work
    except (TeamRefused, ApplicationRefused) as error:
        text = str(error).rstrip(".")
        raise GatepostError(text[:1].lower() + text[1:]) from error


def _change(
    config: Path, team_id: str, user: str, change: Callable[[Teams, Team, str], Awaitable[Team]]
) -> None:
    async def work(store: Store) -> dict[str, Any]:
        found, teams = await _found(store, team_id), teams_of(store)
        # Who is a member may no longer exist.
        member = user if found.role_of(user) is not None else await _user_id(store, user)
        changed = await change(teams, found, member)
        return _described(changed, await teams.member_names(changed))

    click.echo(json.dumps(with_store(load_or_exit(config), lambda store: as_line(work(store))), indent=2))


async def _found(store: Store, team_id: str) -> Team:
    found = await store.teams.get(team_id)
    if found is None:
        raise GatepostError(f"there is no team {team_id!r}")
    return found


async def _user_id(store: Store, name_or_id: str) -> str:
    """The id of the account of that name, or that id if somebody has it. Raises GatepostError."""
    if ":" in name_or_id:
        if name_or_id in await store.users.names([name_or_id]):
            return name_or_id
    elif (found := await store.users.get(name_or_id)) is not None:
        return found.id
    raise GatepostError(f"there is no user {name_or_id!r} in the store")


def _described(one: Team, names: Mapping[str, str]) -> dict[str, Any]:
    members = [{"id": each.id, "name": names.get(each.id), "role": each.role} for each in one.members]
    return {"id": one.id, "name": one.name, "created": rfc3339(one.created), "members": members}


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    owners = [each["name"] or each["id"] for each in one["members"] if each["role"] == "owner"]
    return one["id"], one["name"], " ".join(owners), str(len(one["members"])), one["created"] or "-"
