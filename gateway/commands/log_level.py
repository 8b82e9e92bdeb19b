"""`gatepost log-level`: shows or changes the log level of the running gateway, without a reload."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from gateway.commands.options import config_option, load_or_exit
from gateway.commands.running import NotRunning, fail, fetch, management_url
from gateway.process.log_level import LEVELS, write_override

RESET = "reset"
PATIENCE = 5.0
"""Seconds in which every worker must have the new level: each looks twice a second."""


@click.command("log-level")
@click.argument("level", type=click.Choice([*LEVELS, RESET]), required=False)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the levels as JSON.")
def log_level(level: str | None, config: Path, as_json: bool) -> None:
    """Show the log level of the running gateway, or change it until `reset` or a restart."""
    settings = load_or_exit(config)
    try:
        management = management_url(settings)
        if level is not None:
            write_override(Path(settings.server.state_dir), None if level == RESET else level)
        wanted = settings.logging.level if level == RESET else level
        levels = _levels(management, wanted)
    except NotRunning as error:
        fail(error)
    except OSError as error:
        click.echo(f"gatepost: {error.filename}: {error.strerror}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps({"workers": levels}, indent=2))
    else:
        for pid, found in levels.items():
            click.echo(f"worker {pid}: {found}")
    if wanted is not None and set(levels.values()) != {wanted}:
        click.echo(
            "gatepost: not every worker has the level: is state_dir that of the running gateway?", err=True
        )
        sys.exit(1)


def _levels(management: str, wanted: str | None) -> dict[str, str]:
    """The level of each worker, by pid; waits a moment for the one that is wanted."""
    deadline = time.monotonic() + PATIENCE
    while True:
        workers = fetch(management, "/status")["workers"]
        levels = {str(worker["pid"]): str(worker["log_level"]) for worker in workers}
        if wanted is None or set(levels.values()) == {wanted} or time.monotonic() > deadline:
            return levels
        time.sleep(0.1)
