"""`gatepost reload`: reloads the running gateway, waits, and says what changed."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from gateway.commands.options import EXIT_CONFIGURATION_ERROR, config_option
from gateway.commands.running import (
    NotRunning,
    fail,
    fetch,
    management_listener,
    management_option,
    signal_gateway,
    wait_for_report,
)


@click.command()
@config_option
@management_option
@click.option("--timeout", type=click.FloatRange(min=0.1), default=90.0, show_default=True, help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def reload(config: Path, url: str | None, timeout: float, as_json: bool) -> None:
    """Reload the running gateway, wait, and say what changed. Exit status 2: it kept its configuration."""
    management = management_listener(config, url)
    try:
        status = fetch(management, "/status")
        signal_gateway(status["pid"], status["pid_namespace"], signal.SIGHUP)
        report = wait_for_report(management, "last_reload", status["last_reload"], timeout)
    except NotRunning as error:
        fail(error)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)
    sys.exit(0 if report["ok"] else EXIT_CONFIGURATION_ERROR)


def _print(report: dict[str, Any]) -> None:
    for line in report["problems"]:
        click.echo(line, err=True)
    if not report["ok"]:
        click.echo("not reloaded: the gateway keeps its configuration", err=True)
        return
    for line in report["changes"]:
        click.echo(line)
    click.echo("reloaded" if report["changes"] else "reloaded: nothing has changed")
    for key in report["needs_restart"]:
        click.echo(f"{key} changed: restart to apply it", err=True)
