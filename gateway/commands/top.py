"""`gatepost top`: a live table of what the running gateway is doing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from gateway.commands.options import config_option
from gateway.commands.running import fetch_or_exit, management_listener, management_option
from gateway.commands.tables import table

HEAD = ("ROUTE", "REQUESTS/S", "4XX/S", "5XX/S", "MEAN MS", "TOTAL")


@click.command()
@config_option
@management_option
@click.option("--interval", type=click.FloatRange(min=0.1), default=2.0, show_default=True, help="Seconds.")
@click.option("--count", type=click.IntRange(min=1), default=None, help="Stop after so many tables.")
@click.option("--json", "as_json", is_flag=True, help="Print each table as one line of JSON.")
def top(config: Path, url: str | None, interval: float, count: int | None, as_json: bool) -> None:
    """Show requests a second by route, until Ctrl-C."""
    management = management_listener(config, url)
    before, shown = _sample(management), 0
    while count is None or shown < count:
        time.sleep(interval)
        now = _sample(management)
        rows = rates(before[1], now[1], now[0] - before[0])
        click.echo(json.dumps(rows) if as_json else "\n".join(_screen(now[1], rows)))
        before, shown = now, shown + 1


def _sample(management: str) -> tuple[float, dict[str, Any]]:
    document = fetch_or_exit(management, "/status")
    return time.monotonic(), document


def rates(before: dict[str, Any], now: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
    """What each route had between two states of `/status`, busiest first."""
    found = []
    for route, counts in now["requests"].items():
        earlier = before["requests"].get(route, {})
        # A worker that was replaced in between takes its count along for a moment.
        more = {key: max(0.0, number - earlier.get(key, 0)) for key, number in counts.items()}
        found.append(
            {
                "route": route,
                "per_second": round(more["total"] / seconds, 1),
                "4xx_per_second": round(more["4xx"] / seconds, 1),
                "5xx_per_second": round(more["5xx"] / seconds, 1),
                "mean_ms": round(1000 * more["seconds"] / more["total"], 2) if more["total"] else None,
                "total": int(counts["total"]),
            }
        )
    return sorted(found, key=lambda row: (-row["per_second"], row["route"]))


def _screen(document: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[str]:
    if sys.stdout.isatty():
        yield "\x1b[2J\x1b[H"
    workers = document["workers"]
    connections = sum(worker.get("connections", 0) for worker in workers)
    yield (
        f"{len(workers)} workers, {connections} connections, {document['requests_in_flight']} requests in"
        f" flight, {sum(row['per_second'] for row in rows):.1f} requests/s"
    )
    yield from table(HEAD, [_cells(row) for row in rows])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    mean = "-" if row["mean_ms"] is None else str(row["mean_ms"])
    numbers = (str(row[key]) for key in ("per_second", "4xx_per_second", "5xx_per_second"))
    return (row["route"], *numbers, mean, str(row["total"]))
