"""`gatepost schema`: the JSON Schema of gateway.yaml."""

from __future__ import annotations

import json

import click

from gateway.config.schema import json_schema
from gateway.plugin_catalog import Catalog


@click.command()
def schema() -> None:
    """Prints the JSON Schema of gateway.yaml, for editors that complete and check while one types."""
    click.echo(json.dumps(json_schema(Catalog()), indent=2, ensure_ascii=False))
