"""`gatepost client …-secret`: a client's secrets. Each is shown once, when it is made."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.commands.client_words import refuse_file_client, registry, show_json
from gateway.commands.options import config_option, load_or_exit, seconds
from gateway.commands.store_access import with_store
from gateway.config.dates import parse_end
from gateway.store import Store

NAME = click.option("--name", default="", help="What to call it; made up where left out.")


def _end(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else parse_end(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("add-secret")
@config_option
@click.argument("client_id")
@NAME
@click.option("--expires", callback=_end, help="When it ends: 2027-01-31, or 2027-01-31T12:00:00Z.")
def add_secret(config: Path, client_id: str, name: str, expires: int | None) -> None:
    """Gives a client one more secret. It is shown now and never again."""
    settings = load_or_exit(config)
    refuse_file_client(settings, client_id)

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
    help="How long the old ones stay valid: 600 or 10m.",
)
@NAME
def rotate_secret(config: Path, client_id: str, grace: int, name: str) -> None:
    """Gives a client a new secret in place of all others. It is shown now and never again."""
    settings = load_or_exit(config)
    refuse_file_client(settings, client_id)

    async def work(store: Store) -> str:
        return await registry(store).rotate_secret(client_id, grace, name)

    show_json({"client_id": client_id, "client_secret": with_store(settings, work)})


@click.command("remove-secret")
@config_option
@click.argument("client_id")
@click.argument("name")
def remove_secret(config: Path, client_id: str, name: str) -> None:
    """Ends one secret of a client, at once. `client show` has the names."""
    settings = load_or_exit(config)
    refuse_file_client(settings, client_id)

    async def work(store: Store) -> None:
        await registry(store).remove_secret(client_id, name)

    with_store(settings, work)
    click.echo(f"The secret {name} of {client_id} has ended.")
