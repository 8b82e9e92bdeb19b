"""The route table for commands that don't serve requests (`explain`, `test`)."""

from __future__ import annotations

from gateway.accounts.static_clients import StaticClients
from gateway.assembly.clients import file_clients
from gateway.assembly.plugins import PluginSet, plugin_context
from gateway.assembly.routes import route_table
from gateway.assembly.upstreams import make_upstreams
from gateway.clock import system_clock
from gateway.config.model import Settings
from gateway.plugin.catalog import PluginCatalog
from gateway.proxy.route_table import RouteTable


def offline_routes(settings: Settings) -> RouteTable:
    """The route table with its plugins and upstreams, none of them started."""
    clients = StaticClients(file_clients(settings.clients))
    plugin_set = PluginSet(PluginCatalog(), plugin_context(settings, clients, system_clock))
    return route_table(settings, make_upstreams(settings), plugin_set)
