"""`gatepost export`: gateway.yaml as configurations of other programs."""

from __future__ import annotations

import json
from pathlib import Path

import click
import yaml

from gateway.commands.options import config_option, load_or_exit
from gateway.config.addresses import check_origin
from gateway.export.envoy import export_envoy


@click.group()
def export() -> None:
    """Write gateway.yaml as a configuration of another program."""


def _origin(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        return check_origin(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@export.command()
@config_option
@click.option(
    "--gateway",
    default="http://127.0.0.1:8280",
    show_default=True,
    callback=_origin,
    help="The URL at which Envoy reaches this gateway.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which Envoy reads as well.")
def envoy(config: Path, gateway: str, as_json: bool) -> None:
    """Print an Envoy configuration that asks this gateway about each request."""
    found = export_envoy(load_or_exit(config), gateway)
    if as_json:
        click.echo(json.dumps(found.bootstrap, indent=2))
        for note in found.notes:
            click.echo(note, err=True)
        return
    click.echo("# Made by `gatepost export envoy`.")
    for note in found.notes:
        click.echo(f"# - {note}")
    click.echo(yaml.safe_dump(found.bootstrap, sort_keys=False, width=110), nl=False)
