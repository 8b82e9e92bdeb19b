"""`gatepost prune`: routes, scopes and grants that nobody has used, as a diff of gateway.yaml."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import unified_diff
from pathlib import Path

import click

from gateway.accounts.usage_reports import UsageReports
from gateway.assembly.offline_routes import offline_routes
from gateway.clock import system_clock
from gateway.commands.options import EXIT_CONFIGURATION_ERROR, config_option, load_or_exit
from gateway.commands.replay import fared, number
from gateway.commands.store_access import with_store
from gateway.config.differences import route_name
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.yaml_edits import list_length, without_items
from gateway.process.access_log_reader import ReadLines, logged_requests
from gateway.process.logs import printable
from gateway.proxy.disuse import KnownClient, UseSeen
from gateway.store import Store

DAYS = 30
MONTH_DAYS = 31
"""Days of which the store keeps usage counts."""


@dataclass(slots=True)
class Unused:
    """What nobody has used."""

    days: int
    first: str = ""
    """When the logs begin."""
    routes: list[str] = field(default_factory=list)
    scopes: dict[str, list[str]] = field(default_factory=dict)
    """By client."""
    grants: dict[str, list[str]] = field(default_factory=dict)
    """By client."""
    clients: list[str] = field(default_factory=list)
    """Clients of the file without any request."""
    stored_clients: list[str] = field(default_factory=list)
    """Clients of the store without any request or token."""
    paths: list[KeyPath] = field(default_factory=list)
    """What goes out of the file."""
    notes: list[str] = field(default_factory=list)


@click.command()
@click.argument("logs", nargs=-1, metavar="[LOG…]")
@config_option
@click.option(
    "--days", type=click.IntRange(1), default=DAYS, show_default=True, help="How long nobody used it."
)
@click.option(
    "--store", "with_counts", is_flag=True, help="Also look at the usage counts of the store's clients."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def prune(logs: tuple[str, ...], config: Path, days: int, with_counts: bool, as_json: bool) -> None:
    """Show routes, scopes and grants that nobody has used, as a diff of the file.

    LOG is an access log, also one of gzip, or - for standard input.
    """
    if not logs and not with_counts:
        raise click.UsageError("name access logs, or --store: otherwise nobody knows what is used")
    settings, found = load_or_exit(config), Unused(days)
    if settings.extends is not None:
        _refuse(f"{config} extends {settings.extends}: give -c that file, which has the routes")
    if logs:
        _from_logs(settings, logs, found)
    if with_counts:
        _from_store(settings, found)
    changes = _diffs(settings, found.paths)
    if as_json:
        click.echo(json.dumps(_document(found, changes), indent=2))
        return
    for line in (*_notes(found), *(line for text in changes.values() for line in text)):
        click.echo(printable(line))


def _from_logs(settings: Settings, logs: Sequence[str], found: Unused) -> None:
    clients = [KnownClient(client.id, client.scopes, client.grants) for client in settings.clients]
    seen, read = UseSeen(offline_routes(settings), clients), ReadLines()
    since = _text(datetime.fromtimestamp(system_clock(), UTC) - timedelta(days=found.days))
    try:
        for request in logged_requests(logs, read):
            found.first = min(found.first or request.time, request.time)
            if request.time >= since:
                seen.add(fared(request), request.grant)
    except OSError as error:
        click.echo(f"gatepost: {error.filename}: {error.strerror}", err=True)
        sys.exit(EXIT_CONFIGURATION_ERROR)
    if read.broken:
        _refuse(f"{read.broken}: what is behind it is not known")
    if not found.first or found.first > since:
        begin = f"begin at {found.first}" if found.first else "have no requests"
        _refuse(
            f"the logs {begin}: that is less than {found.days} days. Give older ones, too, or less --days"
        )
    if read.unreadable:
        found.notes.append(f"{number(read.unreadable)} lines can't be read")
    found.notes.append("what lies in gaps between the logs, or went to other gateways, is not known")
    _judge(settings, seen, clients, found)


def _judge(settings: Settings, seen: UseSeen, clients: Sequence[KnownClient], found: Unused) -> None:
    by_host = any(route.host is not None for route in settings.routes)
    if by_host:
        found.notes.append("routes with a host are known to be used only with `host` in logging.fields")
    for index, route in enumerate(settings.routes):
        identity = (route.path, route.host, route.match == "exact", tuple(route.methods or ()))
        if route.enabled and identity not in seen.routes and route.where is None:
            found.routes.append(route_name(route))
            found.paths.append(("routes", index))
    if any(route.where is not None for route in settings.routes):
        found.notes.append("routes with `where` are left alone: the log has no headers and no queries")
    required = frozenset(scope for route in settings.routes if route.enabled for scope in route.scopes)
    if not seen.grants_told:
        found.notes.append("the logs name no grants: nothing is said of them")
    for index, client in enumerate(clients):
        _judge_client(seen, client, index, required, found)


def _judge_client(
    seen: UseSeen, client: KnownClient, index: int, required: frozenset[str], found: Unused
) -> None:
    if not seen.clients[client.id].requests:
        found.clients.append(client.id)
        return
    unused = {"scopes": seen.unused_scopes(client, required)}
    if seen.clients[client.id].grants:
        unused["grants"] = seen.unused_grants(client)
    for key, into in (("scopes", found.scopes), ("grants", found.grants)):
        names = unused.get(key, [])
        if names:
            into[client.id] = names
        given = getattr(client, key)
        found.paths += (("clients", index, key, given.index(name)) for name in names)


def _from_store(settings: Settings, found: Unused) -> None:
    if not settings.portal.enabled:
        found.notes.append("without the portal no usage is counted in the store")
        return
    if found.days > MONTH_DAYS:
        _refuse(f"the store keeps usage for {MONTH_DAYS} days only")

    async def work(store: Store) -> list[str]:
        reports = UsageReports(store.usage, store.registered_users, system_clock)
        unused = []
        for client in await store.clients.list():
            slots = (await reports.report([client.id], "month")).slots[-found.days :]
            young = client.created > system_clock() - found.days * 86_400
            if not young and not any(any(slot.cells) for slot in slots):
                unused.append(client.id)
        return unused

    found.stored_clients = with_store(settings, work)


def _refuse(text: str) -> None:
    click.echo(f"gatepost: {printable(text)}", err=True)
    sys.exit(1)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _notes(found: Unused) -> Iterator[str]:
    since = f"since {found.first}" if found.first else "of the store"
    yield f"# what nobody used for {found.days} days ({since})"
    for client in found.clients:
        yield f"# client {client} made no request: see `enabled`"
    for client in found.stored_clients:
        yield f"# client {client} of the store made no request: gatepost client disable {client}"
    yield from (f"# {note}" for note in found.notes)
    if not found.paths:
        yield "# nothing in the file is unused"


def _diffs(settings: Settings, paths: Sequence[KeyPath]) -> dict[str, list[str]]:
    """A unified diff for each file that changes, by its name."""
    source = settings.source
    assert source is not None  # noqa: S101 (for mypy: it has been loaded from a file)
    texts = {source.file: source.text, **dict(source.included)}
    places: dict[str, list[KeyPath]] = {}
    for path in paths:
        file, own = _own_path(texts, path)
        places.setdefault(file, []).append(own)
    changed = {file: without_items(texts[file], own) for file, own in places.items()}
    return {
        file: [
            line.rstrip("\n")
            for line in unified_diff(
                texts[file].splitlines(keepends=True), text.splitlines(keepends=True), file, file
            )
        ]
        for file, text in changed.items()
    }


def _own_path(texts: dict[str, str], path: KeyPath) -> tuple[str, KeyPath]:
    """The file that has an item, and its path there: lists of several files are joined in their order."""
    section, index, *rest = path
    assert isinstance(index, int)  # noqa: S101 (for mypy: all paths begin with a list's item)
    for file, text in texts.items():
        length = list_length(text, (section,))
        if index < length:
            return file, (section, index, *rest)
        index -= length
    raise AssertionError(f"{path} is in no file")


def _document(found: Unused, changes: dict[str, list[str]]) -> dict[str, object]:
    return {
        "days": found.days,
        "logs_begin": found.first or None,
        "routes": found.routes,
        "scopes": found.scopes,
        "grants": found.grants,
        "clients": found.clients,
        "stored_clients": found.stored_clients,
        "notes": found.notes,
        "diff": {file: "\n".join(lines) for file, lines in changes.items()},
    }
