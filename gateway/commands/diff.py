"""`gatepost diff A B`: what changes for whom between two configurations."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from gateway.assembly.access_changes import AccessChange, access_changes
from gateway.commands.options import config_option, load_or_exit
from gateway.commands.running import running_settings
from gateway.config.differences import Difference, differences, summary


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--running", is_flag=True, help="Compare what the gateway is running with, with the file.")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
@config_option
def diff(files: tuple[Path, ...], running: bool, as_json: bool, config: Path) -> None:
    """Show what changes, for whom, from configuration A to B."""
    if running and not files:
        new = load_or_exit(config)
        old = running_settings(new)
    elif len(files) == 2 and not running:  # noqa: PLR2004 (A and B)
        old, new = (load_or_exit(file) for file in files)
    else:
        raise click.UsageError("name two files, or --running and -c FILE")
    access, keys = access_changes(old, new), differences(old, new)
    text = _as_json(access, keys) if as_json else _as_text(access, keys)
    click.echo(text or "no difference")


def _as_text(access: list[AccessChange], keys: list[Difference]) -> str:
    return "\n".join([*(line for change in access for line in change.lines), *summary(keys)])


def _as_json(access: list[AccessChange], keys: list[Difference]) -> str:
    return json.dumps(
        {"access": [asdict(change) for change in access], "keys": [asdict(key) for key in keys]}, indent=2
    )
