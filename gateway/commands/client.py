"""`gatepost client …`: the clients that are kept in the store, beside those of gateway.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.accounts.registry import new_client_id
from gateway.assembly.clients import file_clients, jwks_of
from gateway.commands.client_secrets import add_secret, remove_secret, rotate_secret
from gateway.commands.client_words import (
    described,
    of_file,
    problem,
    refuse,
    refuse_file_client,
    registry,
    show_json,
)
from gateway.commands.options import config_option, load_or_exit, seconds
from gateway.commands.store_access import with_store
from gateway.errors import StartError
from gateway.oauth.client_auth import METHODS, uses_secrets
from gateway.oauth.values import Client
from gateway.store import Store
from gateway.subject import KINDS
from gateway.tokens.formats import FORMATS


@click.group()
def client() -> None:
    """Manages the clients that are kept in the store. Those of gateway.yaml are read-only here."""


for command in (add_secret, rotate_secret, remove_secret):
    client.add_command(command)


@client.command()
@config_option
@click.option("--id", "client_id", default=None, help="The client's id; made up where left out.")
@click.option("--name", default="", help="A name for people.")
@click.option("--scope", "scopes", multiple=True, help="A scope that it may ask for; may be repeated.")
@click.option("--grant", "grants", multiple=True, help="A grant that it may use; may be repeated.")
@click.option(
    "--audience", "audiences", multiple=True, help="A resource it may have tokens for; may be repeated."
)
@click.option(
    "--lifetime",
    callback=seconds(1),
    metavar="DURATION",
    default=None,
    help="How long its tokens live: 600 or 10m.",
)
@click.option("--format", "token_format", type=click.Choice(FORMATS), default=None, help="Of its tokens.")
@click.option("--tier", default=None, help="A name of tiers: its limits, wherever one goes by client.")
@click.option("--introspect", is_flag=True, help="Let it see every token at /introspect.")
@click.option(
    "--jwks",
    type=click.Path(path_type=Path),
    default=None,
    help="A file with its JWK Set.",
)
@click.option(
    "--tls",
    "subject",
    type=(click.Choice(KINDS), str),
    default=None,
    metavar="KIND VALUE",
    help="Whose certificate it shows, in place of a secret, such as: san_dns shop.example.org.",
)
@click.option(
    "--auth",
    multiple=True,
    metavar="WAY",
    type=click.Choice(METHODS),
    help=f"A way to authenticate that it may use, of {', '.join(METHODS)}; may be repeated.",
)
@click.option("--require-mtls", is_flag=True, help="Its tokens are bound to its TLS certificate.")
@click.option("--require-dpop", is_flag=True, help="Its tokens are bound to a key by DPoP.")
def create(
    config: Path,
    client_id: str | None,
    name: str,
    scopes: tuple[str, ...],
    grants: tuple[str, ...],
    audiences: tuple[str, ...],
    lifetime: int | None,
    token_format: str | None,
    tier: str | None,
    introspect: bool,
    jwks: Path | None,
    subject: tuple[str, str] | None,
    auth: tuple[str, ...],
    require_mtls: bool,
    require_dpop: bool,
) -> None:
    """Makes a client. Its secret, if it gets one, is shown now and never again."""
    settings = load_or_exit(config)
    wanted = Client(
        id=client_id or new_client_id(),
        name=name,
        grants=frozenset(grants or ("client_credentials",)),
        scopes=scopes,
        audiences=audiences,
        lifetime=lifetime,
        format=token_format,
        tier=tier,
        introspect=introspect,
        auth=frozenset(auth),
        jwks=_keys(jwks) if jwks else "",
        tls_subject=subject,
        require_mtls=require_mtls,
        require_dpop=require_dpop,
    )
    refuse(problem(wanted, settings))

    async def work(store: Store) -> dict[str, Any]:
        kept = registry(store)
        if not uses_secrets(wanted):
            return described(await kept.register(wanted))
        made, secret = await kept.create(wanted)
        return described(made) | {"client_secret": secret}

    show_json(with_store(settings, work))


@client.command("list")
@config_option
def list_clients(config: Path) -> None:
    """Lists the clients of the file and of the store."""
    settings = load_or_exit(config)

    async def work(store: Store) -> list[Client]:
        return await store.clients.list()

    kept = with_store(settings, work)
    show_json([described(one) for one in (*file_clients(settings.clients), *kept)])


@client.command()
@config_option
@click.argument("client_id")
def show(config: Path, client_id: str) -> None:
    """Shows a client, without its secrets."""
    settings = load_or_exit(config)

    async def work(store: Store) -> tuple[Client | None, int]:
        found = of_file(settings, client_id) or await store.clients.get(client_id)
        return found, await store.registered_users.count(client_id)

    found, users = with_store(settings, work)
    if found is None:
        refuse(f"there is no client {client_id!r}")
    else:
        show_json(described(found) | {"registered_users": users})


@client.command()
@config_option
@click.argument("client_id")
def disable(config: Path, client_id: str) -> None:
    """Refuses a client from now on, and ends its tokens."""
    _switch(config, client_id, on=False)
    click.echo(f"{client_id} is disabled, and every token of it has ended.")


@client.command()
@config_option
@click.argument("client_id")
def enable(config: Path, client_id: str) -> None:
    """Lets a client ask for tokens again."""
    _switch(config, client_id, on=True)
    click.echo(f"{client_id} is enabled.")


def _switch(config: Path, client_id: str, *, on: bool) -> None:
    settings = load_or_exit(config)
    refuse_file_client(settings, client_id)

    async def work(store: Store) -> None:
        kept = registry(store)
        await (kept.enable(client_id) if on else kept.disable(client_id))

    with_store(settings, work)


@client.command("revoke-tokens")
@config_option
@click.argument("client_id")
def revoke_tokens(config: Path, client_id: str) -> None:
    """Ends every token of a client, at once."""
    settings = load_or_exit(config)

    async def work(store: Store) -> bool:
        known = of_file(settings, client_id) or await store.clients.get(client_id)
        if known is not None:
            await registry(store).revoke_tokens(client_id)
        return known is not None

    if not with_store(settings, work):
        refuse(f"there is no client {client_id!r}")
    click.echo(f"Every token of {client_id} has ended.")


@client.command()
@config_option
@click.argument("client_id")
def delete(config: Path, client_id: str) -> None:
    """Removes a client and ends its tokens."""
    settings = load_or_exit(config)
    refuse_file_client(settings, client_id)

    async def work(store: Store) -> bool:
        return await registry(store).delete(client_id)

    if not with_store(settings, work):
        refuse(f"there is no client {client_id!r}")
    click.echo(f"{client_id} is removed, and every token of it has ended.")


def _keys(file: Path) -> str:
    try:
        return jwks_of(file)
    except StartError as error:
        refuse(str(error))
        return ""
