"""`gatepost run`: serves gateway.yaml."""

from __future__ import annotations

import gc
import sys
from functools import partial
from pathlib import Path

import click

from gateway.commands.options import config_option, load, load_or_exit
from gateway.config.checks import SERVING
from gateway.config.model import Settings
from gateway.process.supervisor import Program, serve
from gateway.runtime.bytecode_cache import bytecode_cache
from gateway.runtime.gc_pause import paused_gc


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

    sys.exit(serve(settings, import_gateway))


def import_gateway() -> Program:
    """The gateway, imported when it is needed first: the embedded store's server starts meanwhile."""
    with paused_gc(), bytecode_cache():
        from gateway.app import Gateway  # noqa: PLC0415 (when it is imported is the point)
        from gateway.assembly.audit import audited_report  # noqa: PLC0415 (the same)
        from gateway.process.workers import serve_workers  # noqa: PLC0415 (the same)

        # What has been imported stays: the collector need not look through it.
        gc.freeze()
    return partial(serve_workers, Gateway, audited_report)


def with_workers(settings: Settings, workers: int | None) -> Settings:
    """The settings with `server.workers` overridden by the command line, if given."""
    if workers is None:
        return settings
    return settings.model_copy(update={"server": settings.server.model_copy(update={"workers": workers})})
