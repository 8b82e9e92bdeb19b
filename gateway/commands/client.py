"""`gatepost client …`: the clients that are kept in the store, beside those of gateway.yaml."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

import click

from gateway.assembly.clients import file_clients
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit
from gateway.commands.store_access import with_store
from gateway.config.model import Settings
from gateway.oauth.scope import is_scope
from gateway.oauth.values import Client
from gateway.registry import ClientRegistry, new_client_id
from gateway.store import Store


@click.group()
def client() -> None:
    """Manages the clients that are kept in the store. Those of gateway.yaml are read-only here."""


@client.command()
@config_option
@click.option("--id", "client_id", default=None, help="The client's id; made up where left out.")
@click.option("--name", default="", help="A name for people.")
@click.option("--scope", "scopes", multiple=True, help="A scope that it may ask for; may be repeated.")
@click.option("--grant", "grants", multiple=True, help="A grant that it may use; may be repeated.")
@click.option(
    "--audience", "audiences", multiple=True, help="A resource it may have tokens for; may be repeated."
)
@click.option("--lifetime", type=click.IntRange(min=1), default=None, help="Seconds that its tokens live.")
def create(
    config: Path,
    client_id: str | None,
    name: str,
    scopes: tuple[str, ...],
    grants: tuple[str, ...],
    audiences: tuple[str, ...],
    lifetime: int | None,
) -> None:
    """Makes a client. Its secret is shown now and never again."""
    settings = load_or_exit(config)
    wanted = Client(
        id=client_id or new_client_id(),
        name=name,
        grants=frozenset(grants or ("client_credentials",)),
        scopes=scopes,
        audiences=audiences,
        lifetime=lifetime,
    )
    _refuse(problem(wanted, settings))

    async def work(store: Store) -> tuple[Client, str]:
        return await _registry(store).create(wanted)

    made, secret = with_store(settings, work)
    _show(described(made) | {"client_secret": secret})


@client.command("list")
@config_option
def list_clients(config: Path) -> None:
    """Lists the clients of the file and of the store."""
    settings = load_or_exit(config)

    async def work(store: Store) -> list[Client]:
        return await store.clients.list()

    kept = with_store(settings, work)
    _show([described(one) for one in (*file_clients(settings.clients), *kept)])


@client.command()
@config_option
@click.argument("client_id")
def show(config: Path, client_id: str) -> None:
    """Shows a client, without its secrets."""
    settings = load_or_exit(config)

    async def work(store: Store) -> Client | None:
        return _of_file(settings, client_id) or await store.clients.get(client_id)

    found = with_store(settings, work)
    if found is None:
        _refuse(f"there is no client {client_id!r}")
    else:
        _show(described(found))


@client.command("rotate-secret")
@config_option
@click.argument("client_id")
@click.option("--grace", type=click.IntRange(min=0), default=0, help="Seconds that the old ones stay valid.")
def rotate_secret(config: Path, client_id: str, grace: int) -> None:
    """Gives a client a new secret. It is shown now and never again."""
    settings = load_or_exit(config)
    _refuse_file_client(settings, client_id)

    async def work(store: Store) -> str:
        return await _registry(store).rotate_secret(client_id, grace)

    _show({"client_id": client_id, "client_secret": with_store(settings, work)})


@client.command("revoke-tokens")
@config_option
@click.argument("client_id")
def revoke_tokens(config: Path, client_id: str) -> None:
    """Ends every token of a client, at once."""
    settings = load_or_exit(config)

    async def work(store: Store) -> bool:
        known = _of_file(settings, client_id) or await store.clients.get(client_id)
        if known is not None:
            await _registry(store).revoke_tokens(client_id)
        return known is not None

    if not with_store(settings, work):
        _refuse(f"there is no client {client_id!r}")
    click.echo(f"Every token of {client_id} has ended.")


@client.command()
@config_option
@click.argument("client_id")
def delete(config: Path, client_id: str) -> None:
    """Removes a client and ends its tokens."""
    settings = load_or_exit(config)
    _refuse_file_client(settings, client_id)

    async def work(store: Store) -> bool:
        return await _registry(store).delete(client_id)

    if not with_store(settings, work):
        _refuse(f"there is no client {client_id!r}")
    click.echo(f"{client_id} is removed, and every token of it has ended.")


def problem(wanted: Client, settings: Settings) -> str | None:
    """What is wrong with a client that is to be made; None where nothing is."""
    if not wanted.id.isascii() or not wanted.id.isprintable():
        return "the id must be printable ASCII"
    if _of_file(settings, wanted.id):
        return f"the client {wanted.id!r} stands in gateway.yaml"
    if unknown := sorted(wanted.grants - settings.grants.keys()):
        return f"there is no grant {unknown[0]!r}; there are {', '.join(sorted(settings.grants))}"
    if wrong := [scope for scope in wanted.scopes if not is_scope(scope)]:
        return f"{wrong[0]!r} is no scope"
    if wanted.lifetime is not None and wanted.lifetime > settings.tokens.max_lifetime:
        return f"the lifetime is over tokens.max_lifetime ({settings.tokens.max_lifetime} seconds)"
    return None


def described(shown: Client) -> dict[str, Any]:
    """A client for people and programs, without its secrets."""
    return {
        "client_id": shown.id,
        "name": shown.name,
        "grants": sorted(shown.grants),
        "scopes": list(shown.scopes),
        "audiences": list(shown.audiences),
        "lifetime": shown.lifetime,
        "enabled": shown.enabled,
        "secrets": len(shown.secrets),
        "source": shown.source,
    }


def _registry(store: Store) -> ClientRegistry:
    return ClientRegistry(store.clients, store.tokens, system_clock, secrets.token_bytes)


def _of_file(settings: Settings, client_id: str) -> Client | None:
    return next((one for one in file_clients(settings.clients) if one.id == client_id), None)


def _refuse_file_client(settings: Settings, client_id: str) -> None:
    if _of_file(settings, client_id):
        _refuse(f"the client {client_id!r} stands in gateway.yaml: change it there")


def _refuse(text: str | None) -> None:
    if text is not None:
        click.echo(f"gatepost: {text}", err=True)
        sys.exit(1)


def _show(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
