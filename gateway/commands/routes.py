"""`gatepost routes`: the routes of the running gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway.commands.options import config_option
from gateway.commands.running import fetch_or_exit, management_listener, management_option
from gateway.commands.tables import table

HEAD = ("ROUTE", "METHODS", "ACCESS", "UPSTREAM", "PLUGINS", "REQUESTS")


@click.command()
@config_option
@management_option
@click.option("--json", "as_json", is_flag=True, help="Print the routes as JSON.")
def routes(config: Path, url: str | None, as_json: bool) -> None:
    """Show the routes of the running gateway, and how many requests each has had."""
    document = fetch_or_exit(management_listener(config, url), "/routes")
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for line in table(HEAD, [_row(route) for route in document["routes"]]):
        click.echo(line)


def _row(route: dict[str, Any]) -> tuple[str, ...]:
    path = (route["host"] or "") + route["path"] + (" (exact)" if route["match"] == "exact" else "")
    for kind, values in (route.get("where") or {}).items():
        path += "".join(f" {kind} {name}: {value}" for name, value in values.items())
    access = "open" if route["auth"] == "none" else " ".join(["token", *route["scopes"]])
    access += " subscription" if route.get("access") == "request" else ""
    return (
        path,
        ",".join(route["methods"] or ["all"]),
        access if route["enabled"] else "disabled",
        route["upstream"] or "-",
        ",".join(route["plugins"]) or "-",
        str(route["requests"]),
    )
