"""`gatepost client …`: manages OAuth clients in the store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway.accounts.registry import new_client_id
from gateway.assembly.revocation_proof import proved
from gateway.commands.client_api_keys import api_keys
from gateway.commands.client_calls import calls
from gateway.commands.client_checks import (
    client_keys_of,
    configured,
    described,
    exit_with_error,
    registry,
    reject_file_client,
    reject_new_client,
    show_json,
)
from gateway.commands.client_list import list_clients
from gateway.commands.client_options import checked_fields, checked_options
from gateway.commands.client_secrets import add_secret, remove_secret, rotate_secret
from gateway.commands.client_transfer import export_clients, import_clients
from gateway.commands.client_update import update
from gateway.commands.options import config_option, load_or_exit, prints_json, seconds
from gateway.commands.store_access import with_store
from gateway.oauth.certificate_subject import KINDS
from gateway.oauth.client_auth import METHODS, uses_secrets
from gateway.oauth.model import Client
from gateway.store import Store
from gateway.tokens.token_formats import FORMATS


@click.group()
def client() -> None:
    """Manage the clients in the store. Those of gateway.yaml are read-only here."""


for command in (
    add_secret,
    rotate_secret,
    remove_secret,
    list_clients,
    update,
    import_clients,
    calls,
    export_clients,
    api_keys,
):
    client.add_command(command)


@client.command()
@config_option
@click.option("--id", "client_id", default=None, help="The client_id; generated if left out.")
@click.option("--name", default="", help="Display name.")
@click.option("--scope", "scopes", multiple=True, help="A scope that it may ask for; repeatable.")
@click.option("--grant", "grants", multiple=True, help="A grant that it may use; repeatable.")
@click.option("--audience", "audiences", multiple=True, help="An audience that it may ask for; repeatable.")
@click.option(
    "--lifetime",
    callback=seconds(1),
    metavar="DURATION",
    default=None,
    help="Lifetime of its tokens: 600 or 10m.",
)
@click.option(
    "--format", "token_format", type=click.Choice(FORMATS), default=None, help="Format of its tokens."
)
@click.option("--tier", default=None, help="Its rate limit tier: a name of tiers.")
@click.option("--introspect", is_flag=True, help="It may introspect every token.")
@click.option(
    "--jwks",
    type=click.Path(path_type=Path),
    default=None,
    help="File with its public keys (JWK Set).",
)
@click.option(
    "--tls",
    "subject",
    type=(click.Choice(KINDS), str),
    default=None,
    metavar="KIND VALUE",
    help="The subject of its TLS certificate, instead of a secret, such as: san_dns shop.example.org.",
)
@click.option(
    "--auth",
    multiple=True,
    metavar="METHOD",
    type=click.Choice(METHODS),
    help=f"An authentication method that it may use: {', '.join(METHODS)}; repeatable.",
)
@click.option("--require-mtls", is_flag=True, help="Its tokens are bound to its TLS certificate.")
@click.option("--require-dpop", is_flag=True, help="Its tokens are bound to a DPoP key.")
@prints_json
@checked_options
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
    **further: Any,
) -> None:
    """Create a client. Its secret, if it has one, is shown only now."""
    settings = load_or_exit(config)
    new = Client(
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
        jwks=client_keys_of(jwks) if jwks else "",
        tls_subject=subject,
        require_mtls=require_mtls,
        require_dpop=require_dpop,
    )
    new = replace(new, **checked_fields(new, further, settings))
    reject_new_client(new, settings)

    async def work(store: Store) -> dict[str, Any]:
        clients = registry(store)
        if not uses_secrets(new):
            return described(await clients.register(new))
        created, secret = await clients.create(new)
        return described(created) | {"client_secret": secret}

    show_json(with_store(settings, work))


@client.command()
@config_option
@click.argument("client_id")
@prints_json
def show(config: Path, client_id: str) -> None:
    """Show a client, without its secrets."""
    settings = load_or_exit(config)

    async def work(store: Store) -> tuple[Client | None, int]:
        found = configured(settings, client_id) or await store.clients.get(client_id)
        return found, await store.registered_users.count(client_id)

    found, users = with_store(settings, work)
    if found is None:
        exit_with_error(f"there is no client {client_id!r}")
    else:
        show_json(described(found) | {"registered_users": users})


@client.command()
@config_option
@click.argument("client_id")
@click.option("--wait", is_flag=True, help="Wait until all workers refuse its tokens, and say how many do.")
def disable(config: Path, client_id: str, wait: bool) -> None:
    """Disable a client and revoke its tokens."""
    proof = _set_enabled(config, client_id, enabled=False, wait=wait)
    click.echo(f"{client_id} is disabled, and all its tokens are revoked{f': {proof}' if proof else ''}.")


@client.command()
@config_option
@click.argument("client_id")
def enable(config: Path, client_id: str) -> None:
    """Enable a disabled client."""
    _set_enabled(config, client_id, enabled=True)
    click.echo(f"{client_id} is enabled.")


def _set_enabled(config: Path, client_id: str, *, enabled: bool, wait: bool = False) -> str:
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> str:
        clients = registry(store)
        await (clients.enable(client_id) if enabled else clients.disable(client_id))
        return await proved(store) if wait else ""

    return with_store(settings, work)


@client.command("revoke-tokens")
@config_option
@click.argument("client_id")
def revoke_tokens(config: Path, client_id: str) -> None:
    """Revoke every token of a client."""
    settings = load_or_exit(config)

    async def work(store: Store) -> bool:
        client = configured(settings, client_id) or await store.clients.get(client_id)
        if client is not None:
            await registry(store).revoke_tokens(client_id)
        return client is not None

    if not with_store(settings, work):
        exit_with_error(f"there is no client {client_id!r}")
    click.echo(f"All tokens of {client_id} are revoked.")


@client.command()
@config_option
@click.argument("client_id")
def delete(config: Path, client_id: str) -> None:
    """Delete a client and revoke its tokens."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> bool:
        return await registry(store).delete(client_id)

    if not with_store(settings, work):
        exit_with_error(f"there is no client {client_id!r}")
    click.echo(f"{client_id} is deleted, and all its tokens are revoked.")
