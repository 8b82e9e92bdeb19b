"""`gatepost audit check FILE`: whether the audit log is what was written."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from gateway.assembly.audit import audit_keys
from gateway.assembly.tokens import configured_keys
from gateway.audit.chain import broken, last_hash
from gateway.commands.options import config_option, load_or_exit


@click.group()
def audit() -> None:
    """Check the audit log."""


@audit.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check_audit_log(file: Path, config: Path, as_json: bool) -> None:
    """Check the chain of FILE. Exit status 1: an entry was changed, removed or inserted."""
    keys = audit_keys(configured_keys(load_or_exit(config)))
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        click.echo(f"gatepost: can't read {file}: {error.strerror}", err=True)
        sys.exit(1)
    found = list(broken(lines, keys))
    if as_json:
        end = last_hash(lines[-1]) if lines else None
        report = {"entries": len(lines), "last_hash": end, "broken": [asdict(one) for one in found]}
        click.echo(json.dumps(report, indent=2))
    else:
        for one in found:
            click.echo(f"{file}:{one.line}: {one.reason}")
        click.echo(f"{len(lines)} entries, {len(found)} breaks")
    sys.exit(1 if found else 0)
