"""`gatepost run`: serves gateway.yaml."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.app import Gateway
from gateway.commands.options import config_option, load, load_or_exit
from gateway.config.model import Settings
from gateway.process.supervisor import serve


@click.command()
@config_option
@click.option("--workers", type=click.IntRange(min=1), default=None, help="In place of server.workers.")
def run(config: Path, workers: int | None) -> None:
    """Serves until SIGTERM; SIGHUP takes over a changed file."""
    first = with_workers(load_or_exit(config), workers)
    pending = [first]

    def settings() -> Settings:
        return pending.pop() if pending else with_workers(load(config), workers)

    sys.exit(serve(settings, Gateway))


def with_workers(settings: Settings, workers: int | None) -> Settings:
    """The settings with the command line's number of workers, where it gives one."""
    if workers is None:
        return settings
    return settings.model_copy(update={"server": settings.server.model_copy(update={"workers": workers})})
