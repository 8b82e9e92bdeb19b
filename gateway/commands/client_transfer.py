"""`gatepost client import` and `export`: many clients at once, as CSV, JSON or NDJSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway.accounts.registry import loses_its_secrets, loses_something
from gateway.clock import system_clock
from gateway.commands.client_checks import exit_with_error, registry, show_json
from gateway.commands.client_fields import written
from gateway.commands.client_files import EXTENSIONS, FORMATS, issue, read_records, write_records
from gateway.commands.client_form import TO_BE_MADE, FormRules, read_clients
from gateway.commands.options import (
    EXIT_CONFIGURATION_ERROR,
    config_option,
    exit_with_problems,
    load_or_exit,
    prints_json,
)
from gateway.commands.store_access import with_store
from gateway.config.problems import ConfigIssue, ConfigurationError, problems_of
from gateway.oauth.model import Client
from gateway.store import ClientWrite, Store

STREAM = "-"
format_option = click.option(
    "--format", "kind", type=click.Choice(FORMATS), default=None, help="Left out: by the file's extension."
)


@click.command("export")
@config_option
@format_option
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--hashes", is_flag=True, help="With the hashes of their secrets. The secrets are not known.")
@click.argument("file", default=STREAM, metavar="[FILE]")
def export_clients(config: Path, kind: str | None, as_json: bool, hashes: bool, file: str) -> None:
    """Write the clients of the store to FILE, which must not exist yet, or to standard output (-)."""
    settings = load_or_exit(config)
    kind = _kind(file, "json" if as_json else kind, "json")
    clients = with_store(settings, lambda store: store.clients.list())
    text = write_records([written(one, hashes=hashes) for one in clients], kind)
    if file == STREAM:
        click.echo(text, nl=False)
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            out.write(text)
    except OSError as error:
        exit_with_error(f"{file}: {error.strerror}")
    click.echo(f"{len(clients)} clients are in {file}.", err=True)


@dataclass(slots=True)
class _Import:
    """What an import does, or would do."""

    changes: list[ClientWrite] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    """The generated secrets by client."""
    unchanged: int = 0
    issues: list[ConfigIssue] = field(default_factory=list)
    conflicts: list[ConfigIssue] = field(default_factory=list)
    """Clients that are there already."""
    left: Sequence[str] = ()
    """Those that others have written meanwhile."""

    def told(self, *, dry_run: bool) -> dict[str, Any]:
        """The result as a JSON object."""
        created = sum(one.before is None for one in self.changes)
        told: dict[str, Any] = {
            "created": created,
            "updated": len(self.changes) - created,
            "unchanged": self.unchanged,
            "dry_run": dry_run,
        }
        return told | ({"client_secrets": self.secrets} if self.secrets and not dry_run else {})


@click.command("import")
@config_option
@format_option
@click.option("--update", is_flag=True, help="Change clients that are there; what the file leaves out stays.")
@click.option("--dry-run", is_flag=True, help="Check everything, and write nothing.")
@click.option(
    "--hex-secrets",
    type=click.Choice(("plain", "sha256")),
    default=None,
    help="What 64 hexadecimal digits are: secrets, or their SHA-256.",
)
@click.option("--generate-secrets", is_flag=True, help="Make a secret where a client has no credentials.")
@prints_json
@click.argument("file", metavar="FILE")
def import_clients(
    config: Path,
    kind: str | None,
    update: bool,
    dry_run: bool,
    hex_secrets: str | None,
    generate_secrets: bool,
    file: str,
) -> None:
    """Create the clients of FILE, or of standard input (-), in the store.

    Each is given by the keys of `clients` in gateway.yaml. Every problem is told, with its line, before
    anything is written; then nothing is.
    """
    settings = load_or_exit(config)
    records, issues = read_records(_text(file), _kind(file, kind, None))
    rules = FormRules(settings, hex_secrets, generate_secrets)

    async def work(store: Store) -> _Import:
        now = int(system_clock())
        known = {one.id: one for one in await store.clients.list()}
        clients, wrong = read_clients(records, rules, known if update else {}, now)
        plan = _Import(issues=[*issues, *wrong])
        if plan.issues:
            return plan
        lines = [one.line for one in records]
        _plan(plan, clients, lines, known, store, update=update)
        if not (plan.conflicts or dry_run):
            plan.left = await store.clients.write_many(plan.changes)
        return plan

    done = with_store(settings, work)
    name = "standard input" if file == STREAM else file
    if done.issues:
        exit_with_problems(ConfigurationError(problems_of(name, done.issues)))
    for problem in problems_of(name, done.conflicts):
        click.echo(str(problem), err=True)
    if done.conflicts:
        sys.exit(1)
    show_json(done.told(dry_run=dry_run))
    if done.left:
        exit_with_error(f"others were changing these clients, which are as they were: {', '.join(done.left)}")


def _plan(
    plan: _Import,
    clients: Sequence[Client],
    lines: Sequence[int],
    known: Mapping[str, Client],
    store: Store,
    *,
    update: bool,
) -> None:
    clients_of = registry(store)
    for wanted, line in zip(clients, lines, strict=True):
        before, client = known.get(wanted.id), wanted
        if TO_BE_MADE in client.secrets:
            client, plan.secrets[client.id] = clients_of.made(client)
        if before is None:
            plan.changes.append(ClientWrite(None, client))
        elif not update:
            text = "there is a client of this id already (--update changes it)"
            plan.conflicts.append(issue(line, text, "id"))
        elif _same(before, client):
            plan.unchanged += 1
        else:
            ends = loses_something(before, client) or loses_its_secrets(before, client)
            plan.changes.append(ClientWrite(before, client, end_tokens=ends or not client.enabled))


def _same(before: Client, after: Client) -> bool:
    return written(before) == written(after) and _kept(before) == _kept(after)


def _kept(client: Client) -> list[tuple[bytes, str, str, int | None]]:
    return [(one.digest, one.foreign, one.name, one.expires) for one in client.secrets]


def _kind(file: str, kind: str | None, default: str | None) -> str:
    found = kind or EXTENSIONS.get(Path(file).suffix.lower()) or default
    if found is None:
        text = f"the format can't be told from the name: give --format {', '.join(FORMATS)}"
        raise click.UsageError(text)
    return found


def _text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == STREAM else Path(file).read_bytes()
    except OSError as error:
        _refuse(f"{file}: {error.strerror}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(f"{file}: it is not UTF-8")


def _refuse(text: str) -> NoReturn:
    click.echo(f"gatepost: {text}", err=True)
    sys.exit(EXIT_CONFIGURATION_ERROR)
