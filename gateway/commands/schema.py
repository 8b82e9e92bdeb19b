"""`gatepost schema`: the JSON Schema of gateway.yaml."""

from __future__ import annotations

import json

import click

from gateway.commands.options import prints_json
from gateway.config.schema import json_schema
from gateway.plugin.catalog import PluginCatalog


@click.command()
@prints_json
def schema() -> None:
    """Print the JSON Schema of gateway.yaml, for editors that complete and check keys."""
    click.echo(json.dumps(json_schema(PluginCatalog()), indent=2, ensure_ascii=False))
