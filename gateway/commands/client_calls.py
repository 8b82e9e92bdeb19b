"""`gatepost client calls`: the last calls of a client in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.accounts.calls import RecentCall
from gateway.commands.client_checks import exit_with_error, reject_file_client, show_json
from gateway.commands.options import config_option, load_or_exit
from gateway.commands.store_access import with_store
from gateway.commands.tables import rfc3339, table
from gateway.store import Store

COLUMNS = ("TIME", "METHOD", "ROUTE", "STATUS", "CODE", "MS", "REQUEST ID")
MOST = 1000
"""As many as `portal.recent_calls` may keep."""


@click.command("calls")
@config_option
@click.argument("client_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def calls(config: Path, client_id: str, as_json: bool) -> None:
    """List the last calls of a client, newest first, as the portal shows them."""
    settings = load_or_exit(config)
    reject_file_client(settings, client_id)

    async def work(store: Store) -> list[RecentCall] | None:
        known = await store.clients.get(client_id)
        return None if known is None else await store.calls.last(client_id, MOST)

    found = with_store(settings, work)
    if found is None:
        exit_with_error(f"there is no client {client_id!r}")
    elif as_json:
        show_json([_shape(one) for one in found])
    else:
        for line in table(COLUMNS, [_row(one) for one in found]):
            click.echo(line)


def _shape(one: RecentCall) -> dict[str, Any]:
    return {
        "time": rfc3339(int(one.time)),
        "method": one.method,
        "route": one.route,
        "status": one.status,
        "code": one.reason or None,
        "seconds": one.seconds,
        "request_id": one.request_id,
    }


def _row(one: RecentCall) -> tuple[str, ...]:
    time, milliseconds = rfc3339(int(one.time)) or "-", f"{one.seconds * 1000:.1f}"
    return (
        time,
        one.method,
        one.route,
        str(one.status),
        one.reason or "-",
        milliseconds,
        one.request_id,
    )
