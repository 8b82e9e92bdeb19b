"""`gatepost client update`: changes any field of a client in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway.accounts.registry import loses_something
from gateway.commands.client_checks import (
    client_keys_of,
    described,
    exit_with_error,
    registry,
    reject_fields,
    reject_file_client,
    show_json,
)
from gateway.commands.client_options import FIELDS, UNSET, checked_fields, checked_options
from gateway.commands.options import config_option, load_or_exit, prints_json, seconds
from gateway.commands.store_access import with_store
from gateway.oauth.certificate_subject import KINDS
from gateway.oauth.client_auth import METHODS
from gateway.oauth.model import Client
from gateway.store import Store
from gateway.tokens.token_formats import FORMATS

EMPTY: Mapping[str, Any] = {
    "name": "",
    "scopes": (),
    "audiences": (),
    "lifetime": None,
    "format": None,
    "tier": None,
    "jwks": "",
    "tls": None,
    "auth": frozenset(),
    **UNSET,
}
"""The fields that can be emptied, and what they are then."""


@click.command()
@config_option
@click.argument("client_id")
@click.option("--name", default=None, help="Display name.")
@click.option(
    "--scope", "scopes", multiple=True, help="A scope that it may ask for; repeatable. Replaces all."
)
@click.option("--grant", "grants", multiple=True, help="A grant that it may use; repeatable. Replaces all.")
@click.option("--audience", "audiences", multiple=True, help="An audience; repeatable. Replaces all.")
@click.option(
    "--lifetime", callback=seconds(1), metavar="DURATION", default=None, help="Lifetime of its tokens."
)
@click.option(
    "--format", "token_format", type=click.Choice(FORMATS), default=None, help="Format of its tokens."
)
@click.option("--tier", default=None, help="Its rate limit tier: a name of tiers.")
@click.option("--introspect/--no-introspect", default=None, help="Whether it may introspect every token.")
@click.option(
    "--jwks", type=click.Path(path_type=Path), default=None, help="File with its public keys (JWK Set)."
)
@click.option(
    "--tls",
    type=(click.Choice(KINDS), str),
    default=None,
    metavar="KIND VALUE",
    help="The subject of its TLS certificate.",
)
@click.option(
    "--auth",
    multiple=True,
    metavar="METHOD",
    type=click.Choice(METHODS),
    help="An authentication method; repeatable. Replaces all.",
)
@click.option("--require-mtls/--no-require-mtls", default=None, help="Bind its tokens to its certificate.")
@click.option("--require-dpop/--no-require-dpop", default=None, help="Bind its tokens to a DPoP key.")
@click.option(
    "--unset",
    multiple=True,
    metavar="FIELD",
    type=click.Choice(sorted(EMPTY)),
    help=f"Empty a field: {', '.join(sorted(EMPTY))}; repeatable.",
)
@prints_json
@checked_options
def update(config: Path, client_id: str, unset: tuple[str, ...], **given: Any) -> None:
    """Change a client. What is left out stays.

    A change that takes something away from the client revokes its tokens.
    """
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)
    changes = _changes({name: one for name, one in given.items() if name not in FIELDS}, unset)
    clash = next((name for name in unset if given.get(name)), None)
    if clash is not None:
        raise click.UsageError(f"{clash} is given and unset")
    if not (changes or any(given.get(name) for name in FIELDS)):
        raise click.UsageError("nothing to change: give at least one option")

    async def work(store: Store) -> Client | str:
        before = await store.clients.get(client_id)
        if before is None:
            return f"there is no client {client_id!r}"
        wanted = replace(before, **changes)
        wanted = replace(wanted, **checked_fields(wanted, given, settings))
        # What is not given stays as it is then, whoever changes it meanwhile.
        changes.update((name, getattr(wanted, name)) for name in FIELDS if given.get(name))
        if before.application and "subscriptions" in changes:
            return "its subscriptions are those of its application: see gatepost subscription"
        reject_fields(wanted, settings)
        ends = loses_something(before, wanted)
        return await registry(store).change(client_id, changes, end_tokens=ends)

    changed = with_store(settings, work)
    if isinstance(changed, str):
        exit_with_error(changed)
    else:
        show_json(described(changed))


def _changes(given: Mapping[str, Any], unset: tuple[str, ...]) -> dict[str, Any]:
    """The client's fields that change, by their names in `Client`."""
    changes = {name: value for name, value in given.items() if value not in (None, ())}
    for name in unset:
        option = "token_format" if name == "format" else name
        if option in changes:
            raise click.UsageError(f"{name} is given and unset")
        changes[option] = EMPTY[name]
    if changes.get("jwks"):
        changes["jwks"] = client_keys_of(changes["jwks"])
    for name in ("grants", "auth"):
        if name in changes:
            changes[name] = frozenset(changes[name])
    names = {"token_format": "format", "tls": "tls_subject"}
    return {names.get(name, name): value for name, value in changes.items()}
