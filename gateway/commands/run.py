"""`gatepost run`: serves gateway.yaml."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.app import Gateway
from gateway.assembly.audit import audited_report
from gateway.commands.options import config_option, load, load_or_exit
from gateway.config.checks import SERVING
from gateway.config.model import Settings
from gateway.process.supervisor import serve


@click.command()
@config_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Number of worker processes; overrides server.workers.",
)
def run(config: Path, workers: int | None) -> None:
    """Serve until SIGTERM. SIGHUP reloads the file."""
    first = with_workers(load_or_exit(config, SERVING), workers)
    pending = [first]

    def settings() -> Settings:
        return pending.pop() if pending else with_workers(load(config, SERVING), workers)

    sys.exit(serve(settings, Gateway, audited_report))


def with_workers(settings: Settings, workers: int | None) -> Settings:
    """The settings with `server.workers` overridden by the command line, if given."""
    if workers is None:
        return settings
    return settings.model_copy(update={"server": settings.server.model_copy(update={"workers": workers})})
