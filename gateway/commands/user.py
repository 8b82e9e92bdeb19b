"""`gatepost user …`: manages the people of the portal whose accounts are in the store."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway.accounts.invitations import LIFETIME, Invitations, invitation_link
from gateway.accounts.passwords import hasher
from gateway.assembly.users import file_users
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit, prints_json
from gateway.commands.store_access import with_store
from gateway.commands.tables import rfc3339, table
from gateway.commands.team import as_line, teams_of
from gateway.config.portal import check_user_name
from gateway.errors import GatepostError
from gateway.oauth.roles import ROLES, Role
from gateway.oauth.team import Team
from gateway.oauth.user import User
from gateway.oauth.user_mail import UserMail
from gateway.store import Store

PASSWORD_BYTES = 18
"""Random bytes of a password that is made here: 24 characters."""


@click.group()
def user() -> None:
    """Manage the portal's people in the store. Those of gateway.yaml are read-only here."""


def _user_name(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return check_user_name(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@user.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the people as JSON.")
def list_users(config: Path, as_json: bool) -> None:
    """List the people of gateway.yaml and of the store."""
    settings = load_or_exit(config)
    found = [*file_users(settings.portal.users), *with_store(settings, lambda store: store.users.list())]
    if as_json:
        click.echo(json.dumps([_described(one) for one in found], indent=2))
        return
    for line in table(("NAME", "ID", "ROLE", "SOURCE", "CREATED", "STATE"), [_row(one) for one in found]):
        click.echo(line)


@user.command()
@click.argument("name", callback=_user_name)
@config_option
@click.option("--role", type=click.Choice(ROLES), default="developer", help="What the person may do.")
@click.option("--admin", is_flag=True, help="As --role admin.")
@prints_json
def add(name: str, config: Path, role: Role, admin: bool) -> None:
    """Add a person. The password is shown only now."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    given: Role = "admin" if admin else role
    new = User(name, hasher().hash(password), given, source="store", created=int(system_clock()))
    made = with_store(load_or_exit(config), lambda store: store.users.create(new))
    click.echo(json.dumps({**_described(made), "password": password}, indent=2))


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@config_option
@prints_json
def change_role(name: str, role: Role, config: Path) -> None:
    """Give a person another role. Sessions and tokens of theirs end."""
    settings = load_or_exit(config)
    others = any(one.admin for one in file_users(settings.portal.users))

    async def work(store: Store) -> User:
        before = await _found(store, name)
        if before.provider:
            raise GatepostError(f"{before.name} gets a role at each sign-in at {before.provider}")
        needs_admin = before.admin and role != "admin" and not others
        return await store.users.replace(before, replace(before, role=role), needs_admin=needs_admin)

    click.echo(json.dumps(_described(with_store(settings, work)), indent=2))


@user.command()
@click.argument("name")
@config_option
@prints_json
def reset(name: str, config: Path) -> None:
    """Give a person another password, which is shown only now. Their sessions, tokens and passkeys end."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    hashed = hasher().hash(password)

    async def work(store: Store) -> tuple[User, int]:
        before = await _found(store, name)
        changed = await store.users.replace(before, replace(_with_password(before), password=hashed))
        return changed, await store.passkeys.remove_all(changed)

    changed, passkeys = with_store(load_or_exit(config), work)
    printed = {**_described(changed), "password": password, "passkeys_removed": passkeys}
    click.echo(json.dumps(printed, indent=2))


@user.command()
@click.argument("name")
@config_option
@prints_json
def block(name: str, config: Path) -> None:
    """Shut a person out. Sessions and tokens of theirs end; their applications' keys go on working."""

    async def work(store: Store) -> tuple[User, list[Team]]:
        before = await _found(store, name)
        changed = await store.users.replace(before, replace(before, blocked=True))
        return changed, await teams_of(store).needing(changed)

    changed, needing = with_store(load_or_exit(config), work)
    click.echo(json.dumps({**_described(changed), "last_owner_of": _teams(needing)}, indent=2))


@user.command()
@click.argument("name")
@config_option
@prints_json
def approve(name: str, config: Path) -> None:
    """Let a person sign in whose account waits for approval (`portal.sign_up: approval`)."""
    changed = _changed(config, name, lambda one: replace(one, pending=False))
    click.echo(json.dumps(_described(changed), indent=2))


@user.command()
@config_option
@prints_json
def invite(config: Path) -> None:
    """Print a link with which one person can create an account (`portal.sign_up: invitation`)."""
    settings = load_or_exit(config)
    code = with_store(settings, lambda store: Invitations(store.invitations, secrets.token_bytes).create())
    link = invitation_link(settings.server.public_url, code)
    click.echo(json.dumps({"invitation": link, "seconds": LIFETIME}, indent=2))


@user.command()
@click.argument("name")
@config_option
@prints_json
def unblock(name: str, config: Path) -> None:
    """Let a person sign in again."""
    changed = _changed(config, name, lambda one: replace(one, blocked=False))
    click.echo(json.dumps(_described(changed), indent=2))


@user.command()
@click.argument("name")
@config_option
def delete(name: str, config: Path) -> None:
    """Remove a person. Their applications stay without an owner; teams must have another one."""

    async def work(store: Store) -> None:
        found, teams = await _found(store, name), teams_of(store)
        await teams.leave_all(found)
        await store.users.delete(found.name)
        # Nobody can add them any more.
        await teams.leave_all(found)

    with_store(load_or_exit(config), lambda store: as_line(work(store)))


@user.command("email")
@click.argument("name")
@config_option
@click.option("--clear", is_flag=True, help="Remove the address; it is told so if it was confirmed.")
@prints_json
def email(name: str, config: Path, clear: bool) -> None:
    """Show a person's own e-mail address, which notices go to, or remove it."""

    async def work(store: Store) -> UserMail:
        found = await _found(store, name)
        before = await store.user_mails.read(found.id)
        if clear and before.data:
            await store.user_mails.replace(found.id, before, UserMail(), "mail.remove")
        return before.mail

    mail = with_store(load_or_exit(config), work)
    shown = {
        "address": mail.email or None,
        "pending": mail.pending_email or None,
        "notices": list(mail.kinds),
        "language": mail.language or None,
        "cleared": clear and not mail.empty,
    }
    click.echo(json.dumps(shown, indent=2))


def _teams(found: Iterable[Team]) -> list[dict[str, str]]:
    return [{"id": one.id, "name": one.name} for one in found]


def _changed(config: Path, name: str, change: Callable[[User], User]) -> User:
    async def work(store: Store) -> User:
        before = await _found(store, name)
        return await store.users.replace(before, change(before))

    return with_store(load_or_exit(config), work)


def _with_password(one: User) -> User:
    """The user. Raises GatepostError for one who has no password here."""
    if one.provider:
        raise GatepostError(f"{one.name} signs in at {one.provider}, and has no password here")
    return one


async def _found(store: Store, name_or_id: str) -> User:
    """The account of that name, or of that id, which has a colon. Raises GatepostError."""
    look_up: Callable[[str], Awaitable[User | None]] = (
        store.users.get_by_id if ":" in name_or_id else store.users.get
    )
    found = await look_up(name_or_id)
    if found is None:
        raise GatepostError(f"there is no user {name_or_id!r} in the store")
    return found


def _described(one: User) -> dict[str, Any]:
    return {
        "name": one.name,
        "id": one.id or None,
        "admin": one.admin,
        "role": one.role,
        "source": one.source,
        "provider": one.provider or None,
        "created": rfc3339(one.created),
        "blocked": one.blocked,
        "pending": one.pending,
    }


def _row(one: User) -> tuple[str, ...]:
    facts = _described(one)
    state = "blocked" if one.blocked else "pending" if one.pending else "active"
    return one.name, one.id or "-", one.role, one.provider or one.source, facts["created"] or "-", state
