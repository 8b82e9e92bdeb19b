"""`gatepost why REQUEST_ID`: why a request was refused, in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.assembly.refusal_log import find_refusal
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit
from gateway.commands.store_access import with_store
from gateway.process.logs import printable
from gateway.store import Store
from gateway.telemetry.refusals import Refusal


@click.command()
@click.argument("request_id")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def why(request_id: str, config: Path, as_json: bool) -> None:
    """Say why a request of the last hour was refused."""

    async def work(store: Store) -> Refusal | None:
        return await find_refusal(store.refusals, request_id, system_clock)

    refusal = with_store(load_or_exit(config), work)
    if refusal is None:
        click.echo(
            f"gatepost: no refusal of {printable(request_id)} is known: it is older than an hour, or one of a"
            " flood",
            err=True,
        )
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(asdict(refusal), indent=2))
        return
    for line in lines(refusal):
        click.echo(printable(line))


def lines(refusal: Refusal) -> Iterator[str]:
    """The refusal in words."""
    when = datetime.fromtimestamp(refusal.time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    request = f"{refusal.method} {refusal.path}".strip() or "what could not be read as a request"
    yield f"{when}: {request} got {refusal.status} ({refusal.code})"
    missing = set(refusal.scopes_needed) - set(refusal.scopes_had)
    facts = {
        "reason": refusal.reason,
        "route": refusal.route or "none",
        "client": refusal.client
        or (f"unknown; it claimed to be {refusal.claimed}" if refusal.claimed else ""),
        "grant": "" if refusal.grant == "-" else refusal.grant,
        "needs scopes": " ".join(refusal.scopes_needed),
        "token's scopes": " ".join(refusal.scopes_had) if refusal.client else "",
        "missing scopes": " ".join(sorted(missing)) if refusal.client else "",
        "needs audience": refusal.audience_needed,
        "configuration": refusal.configuration,
    }
    for name, value in facts.items():
        if value:
            yield f"{name + ':':<16}{value}"
