"""`gatepost client api-key …`: API keys of a client in the store. Each is shown once, when it is created."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.commands.client_checks import exit_with_error, registry, reject_file_client, show_json
from gateway.commands.client_secrets import EXPIRES, NAME
from gateway.commands.options import config_option, load_or_exit, prints_json
from gateway.commands.store_access import with_store
from gateway.commands.tables import table
from gateway.oauth.api_keys import SHOWN
from gateway.store import KeyUse, Store

COLUMNS = ("KEY", "NAME", "CREATED", "EXPIRES", "LAST USE", "FROM", "WITH")


@click.group("api-key")
def api_keys() -> None:
    """Manage the API keys of a client, for routes with the plugin api_key."""


@api_keys.command()
@config_option
@click.argument("client_id")
@NAME
@EXPIRES
@prints_json
def create(config: Path, client_id: str, name: str, expires: int | None) -> None:
    """Create an API key. It is shown only now."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> str:
        return await registry(store).add_api_key(client_id, name, expires)

    key = with_store(settings, work)
    show_json({"client_id": client_id, "prefix": key[:SHOWN], "api_key": key})


@api_keys.command("list")
@config_option
@click.argument("client_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_keys(config: Path, client_id: str, as_json: bool) -> None:
    """List the API keys of a client, with their last use."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> list[dict[str, Any]] | None:
        client = await store.clients.get(client_id)
        if client is None:
            return None
        uses = await store.key_uses.read(client_id, [one.prefix for one in client.api_keys])
        return [
            {
                "prefix": one.prefix,
                "name": one.name,
                "created": _time(one.created),
                "expires": _time(one.expires),
                **_use(uses.get(one.prefix)),
            }
            for one in client.api_keys
        ]

    found = with_store(settings, work)
    if found is None:
        exit_with_error(f"there is no client {client_id!r}")
    elif as_json:
        show_json(found)
    else:
        for line in table(COLUMNS, [[str(value or "-") for value in one.values()] for one in found]):
            click.echo(line)


@api_keys.command()
@config_option
@click.argument("client_id")
@click.argument("prefix")
def revoke(config: Path, client_id: str, prefix: str) -> None:
    """Revoke the API key that `list` shows by PREFIX."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> None:
        await registry(store).remove_api_key(client_id, prefix)

    with_store(settings, work)
    click.echo(f"The API key {prefix} of {client_id} is revoked.")


def _time(seconds: int | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


def _use(use: KeyUse | None) -> dict[str, str | None]:
    if use is None:
        return {"last_used": None, "last_address": None, "last_library": None}
    return {
        "last_used": _time(use.time),
        "last_address": use.address,
        "last_library": use.library or None,
    }
