"""`gatepost explain METHOD URL`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.assembly.clients import file_clients
from gateway.assembly.plugins import PluginShelf, plugin_context
from gateway.assembly.routes import route_table
from gateway.assembly.upstreams import configured_upstreams, described, make_upstreams
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit
from gateway.explain import explain as explained
from gateway.faults import Fault
from gateway.file_clients import FileClients
from gateway.plugin_catalog import Catalog


@click.command()
@click.argument("method")
@click.argument("url")
@config_option
def explain(method: str, url: str, config: Path) -> None:
    """Says which route takes a request, who may call it, and what goes upstream."""
    settings = load_or_exit(config)
    clients = FileClients(file_clients(settings.clients))
    shelf = PluginShelf(Catalog(), plugin_context(settings, clients, system_clock))
    routes = route_table(settings, make_upstreams(settings), shelf)
    places = {name: described(upstream) for name, upstream in configured_upstreams(settings).items()}
    try:
        lines = explained(method.upper(), url, routes, places).lines
    except Fault as fault:
        click.echo(f"{fault.kind.status} {fault.kind.title}: {fault.detail}", err=True)
        for name, value in fault.headers:
            click.echo(f"{name.decode()}: {value.decode()}", err=True)
        sys.exit(1)
    for line in lines:
        click.echo(line)
