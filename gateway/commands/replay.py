"""`gatepost replay LOG`: which of the logged requests would fare otherwise with a configuration."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from gateway.assembly.example_tokens import example_tokens
from gateway.assembly.offline_routes import offline_routes
from gateway.commands.options import EXIT_CONFIGURATION_ERROR, config_option, load_or_exit
from gateway.config.model import Settings
from gateway.process.access_log_reader import LoggedRequest, ReadLines, logged_requests
from gateway.process.logs import printable
from gateway.proxy.replay import NOBODY, Fared, Otherwise, Replay, Replayed, went_upstream
from gateway.proxy.verdict import PASSES

MILLION = 1_000_000
MAX_NAMES = 10


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG…")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def replay(logs: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Show which requests of access logs would fare otherwise.

    LOG is a file, also one of gzip, or - for standard input.
    """
    settings = load_or_exit(config)
    judge, read = Replay(offline_routes(settings), example_tokens(settings)), ReadLines()
    try:
        for request in logged_requests(logs, read):
            judge.add(fared(request))
    except OSError as error:
        click.echo(f"gatepost: {error.filename}: {error.strerror}", err=True)
        sys.exit(EXIT_CONFIGURATION_ERROR)
    if as_json:
        click.echo(json.dumps(as_document(judge.found, read), indent=2))
    else:
        for line in (*lines(judge.found), *notes(judge.found, read, settings)):
            click.echo(printable(line))
    if read.broken:
        click.echo(f"gatepost: {printable(read.broken)}: what comes after it was not read", err=True)
    sys.exit(1 if read.broken else 0)


def fared(request: LoggedRequest) -> Fared:
    """What the line says, as it is judged."""
    route, client, status = request.route, request.client, request.status
    passed = went_upstream(route, status, request.error, error_known=request.error_known)
    return Fared(request.method, request.path, request.host or "", client, route, status, passed)


def lines(found: Replayed) -> Iterator[str]:
    """The requests that would fare otherwise: the sum, and a line for each way."""
    ways = found.otherwise.most_common()
    yield f"{number(found.total)} of {number(found.judged)} requests{_all_alike(found)}"
    for change, count in ways:
        yield f"  {number(count)} {_words(change)}, such as {change.method} {found.examples[change]}"
    if found.further:
        yield f"  {number(found.further)} in further ways"


def _all_alike(found: Replayed) -> str:
    """`, all of warehouse, would be 403`, where it is so."""
    clients = {change.client for change in found.otherwise}
    statuses = {change.would for change in found.otherwise}
    whose = f", all of {clients.pop()}," if len(clients) == 1 and NOBODY not in clients else ""
    if not found.total or found.further or len(statuses) > 1:
        return f"{whose} would fare otherwise"
    status = statuses.pop()
    return f"{whose} would {'go upstream otherwise' if status == PASSES else f'be {status}'}"


def _words(change: Otherwise) -> str:
    whose = "of nobody known" if change.client == NOBODY else f"of {change.client}"
    was = f"went to {change.route} ({change.was})" if _went(change) else f"got {change.was}"
    if change.would != PASSES:
        return f"{whose} {was}, would be {change.would} ({change.reason})"
    return f"{whose} {was}, would go {'upstream' if change.to == NOBODY else f'to {change.to}'}"


def _went(change: Otherwise) -> bool:
    return change.route != NOBODY


def notes(found: Replayed, read: ReadLines, settings: Settings) -> Iterator[str]:
    """What could not be judged, and why."""
    if found.strangers:
        names = [name for name, _ in found.strangers.most_common(MAX_NAMES)]
        more = len(found.strangers) - len(names)
        told = ", ".join(names) + (f" and {more} more" if more else "")
        count = number(found.strangers.total())
        yield f"{count} are of clients that the file does not have ({told}): only their routes were judged"
    if found.unknown:
        yield (
            f"{number(found.unknown)} got 401 or 403 and would go upstream: the log does not tell who refused"
            " them. With `error` in logging.fields it does"
        )
    if any(route.where is not None for route in settings.routes):
        yield "routes with `where` were judged as if it did not hold: the log has no headers and no queries"
    if read.unreadable:
        yield f"{number(read.unreadable)} lines can't be read"


def number(count: int) -> str:
    """`312`, `45,000`, `1.2 M`."""
    return f"{count / MILLION:.1f} M" if count >= MILLION else f"{count:,}"


def as_document(found: Replayed, read: ReadLines) -> dict[str, object]:
    """The same for programs."""
    return {
        "requests": found.judged,
        "otherwise": found.total,
        "changes": [
            {**asdict(change), "count": count, "example": found.examples[change]}
            for change, count in found.otherwise.most_common()
        ],
        "further": found.further,
        "unknown_clients": dict(found.strangers.most_common()),
        "unknown_refusals": found.unknown,
        "other_lines": read.other,
        "unreadable_lines": read.unreadable,
        "broken": read.broken or None,
    }
