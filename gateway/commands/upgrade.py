"""`gatepost upgrade`: has the running gateway replaced by the program that is installed now."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from gateway.commands.options import config_option
from gateway.commands.running import (
    NotRunning,
    fail,
    fetch,
    management_listener,
    management_option,
    signal_gateway,
    wait_for_report,
)
from gateway.process.upgrade import UPGRADE

REPORT = "last_upgrade"


@click.command()
@config_option
@management_option
@click.option("--timeout", type=click.FloatRange(min=0.1), default=90.0, show_default=True, help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def upgrade(config: Path, url: str | None, timeout: float, as_json: bool) -> None:
    """Replace the running gateway by the installed program. Exit status 1: it goes on, and why."""
    management = management_listener(config, url)
    try:
        status = fetch(management, "/status")
        if REPORT not in status:
            # The signal would end it.
            raise NotRunning(f"version {status['version']} is running and can't be upgraded: restart it")
        signal_gateway(status["pid"], status["pid_namespace"], UPGRADE)
        report = wait_for_report(management, REPORT, status[REPORT], timeout)
    except NotRunning as error:
        fail(error)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(report)
    sys.exit(0 if report["ok"] else 1)


def _print(report: dict[str, Any]) -> None:
    if report["ok"]:
        click.echo(f"upgraded from {report['from_version']} to {report['to_version']}")
        return
    for line in report["problems"]:
        click.echo(line, err=True)
    click.echo(f"not upgraded: version {report['from_version']} goes on", err=True)
