"""`gatepost client …-secret`: a client's secrets. Each is shown once, when it is created."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.commands.client_checks import registry, reject_file_client, show_json
from gateway.commands.options import config_option, load_or_exit, prints_json, seconds
from gateway.commands.store_access import with_store
from gateway.config.dates import parse_end
from gateway.store import Store

NAME = click.option("--name", default="", help="The secret's name; generated if left out.")


def end_of(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """The expiry that an option names, in seconds since the epoch."""
    try:
        return None if value is None else parse_end(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


EXPIRES = click.option(
    "--expires",
    callback=end_of,
    help="Expiry: 2027-01-31 (through the end of that day, UTC), or 2027-01-31T12:00:00Z.",
)


@click.command("add-secret")
@config_option
@click.argument("client_id")
@NAME
@EXPIRES
@prints_json
def add_secret(config: Path, client_id: str, name: str, expires: int | None) -> None:
    """Add a secret to a client. It is shown only now."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> str:
        return await registry(store).add_secret(client_id, name, expires)

    show_json({"client_id": client_id, "client_secret": with_store(settings, work)})


@click.command("rotate-secret")
@config_option
@click.argument("client_id")
@click.option(
    "--grace",
    callback=seconds(0),
    metavar="DURATION",
    default="0",
    help="How long the old secrets stay valid: 600 or 10m.",
)
@NAME
@prints_json
def rotate_secret(config: Path, client_id: str, grace: int, name: str) -> None:
    """Replace all secrets of a client by a new one. It is shown only now."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> str:
        return await registry(store).rotate_secret(client_id, grace, name)

    show_json({"client_id": client_id, "client_secret": with_store(settings, work)})


@click.command("remove-secret")
@config_option
@click.argument("client_id")
@click.argument("name")
def remove_secret(config: Path, client_id: str, name: str) -> None:
    """Remove one secret of a client. `client show` has the names."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> None:
        await registry(store).remove_secret(client_id, name)

    with_store(settings, work)
    click.echo(f"The secret {name} of {client_id} is removed.")
