"""`gatepost client list`: the clients of the file and of the store, a page at a time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from heapq import nsmallest
from pathlib import Path

import click

from gateway.assembly.clients import file_clients
from gateway.commands.client_checks import described, show_json
from gateway.commands.options import config_option, load_or_exit
from gateway.commands.store_access import with_store
from gateway.oauth.client_auth import methods_of
from gateway.oauth.model import Client

PAGE = 50
"""Clients of a table."""
WIDEST = 40
"""Characters of a column; a longer text is cut."""
COLUMNS = ("CLIENT ID", "NAME", "SOURCE", "ENABLED", "GRANTS", "AUTHENTICATION", "SCOPES")


@click.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, all clients unless --limit is given.")
@click.option("--limit", type=click.IntRange(min=1), default=None, help=f"How many; default {PAGE}.")
@click.option("--after", default=None, metavar="CLIENT_ID", help="Begin behind this client.")
def list_clients(config: Path, as_json: bool, limit: int | None, after: str | None) -> None:
    """List the clients of the file and of the store, by their ids."""
    settings = load_or_exit(config)

    own = {one.id: one for one in file_clients(settings.clients)}
    rest = [one for one in own.values() if after is None or one.id > after]
    most = limit or (sys.maxsize if as_json else PAGE)
    stored = with_store(settings, lambda store: store.clients.page(after or "", most, without=own.keys()))
    page = nsmallest(most, (*rest, *stored.clients), key=lambda one: one.id)
    left = len(rest) + stored.total - len(page)
    if as_json:
        show_json([described(one) for one in page])
        return
    for line in table([_row(one) for one in page]):
        click.echo(line)
    if left:
        click.echo(f"{left} more: gatepost client list --after {page[-1].id}", err=True)


def _row(client: Client) -> tuple[str, ...]:
    return (
        client.id,
        client.name,
        client.source,
        "yes" if client.enabled else "no",
        ",".join(sorted(client.grants)),
        ",".join(sorted(methods_of(client))) or "api_key",
        " ".join(client.scopes),
    )


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table with a heading. Characters that nobody sees are shown as `?`."""
    shown = [COLUMNS, *(tuple(map(_cell, row)) for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(COLUMNS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in shown)
    return [line.rstrip() for line in lines]


def _cell(text: str) -> str:
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return printable if len(printable) <= WIDEST else printable[: WIDEST - 1] + "…"
