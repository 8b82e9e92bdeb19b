"""`gatepost audit check FILE…`: whether the audit log is what was written."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from gateway.assembly.audit import audit_keys
from gateway.assembly.tokens import configured_keys
from gateway.audit.chain import BrokenChain, broken, logged_entry
from gateway.commands.options import config_option, load_or_exit


@click.group()
def audit() -> None:
    """Check the audit log."""


@audit.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@config_option
@click.option("--from-log", is_flag=True, help="The entries stand in a log, among other lines.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check_audit_log(files: tuple[Path, ...], config: Path, from_log: bool, as_json: bool) -> None:
    """Check the chain of FILES, the oldest first. Exit status 1: an entry was changed or is missing."""
    keys = audit_keys(configured_keys(load_or_exit(config)))
    entries = 0
    ends: dict[str, str] = {}
    found: list[tuple[Path, BrokenChain]] = []
    for file in files:
        lines = [logged_entry(line) for line in _lines(file)] if from_log else _lines(file)
        found += [(file, one) for one in broken(lines, keys, ends)]
        entries += sum(line is not None for line in lines)
    if as_json:
        breaks = [{"file": str(file), **asdict(one)} for file, one in found]
        chains = {name: end for name, end in ends.items() if name}
        report = {"entries": entries, "last_hash": ends.get(""), "chains": chains, "broken": breaks}
        click.echo(json.dumps(report, indent=2))
    else:
        for file, one in found:
            click.echo(f"{file}:{one.line}: {one.reason}")
        click.echo(f"{entries} entries, {len(found)} breaks")
    sys.exit(1 if found else 0)


def _lines(file: Path) -> list[bytes]:
    """Also of a file that logrotate has compressed."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            return stream.read().splitlines()
    except (OSError, EOFError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        click.echo(f"gatepost: can't read {file}: {reason}", err=True)
        sys.exit(1)
