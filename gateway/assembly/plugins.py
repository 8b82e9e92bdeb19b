"""The plugins of gateway.yaml: made in its order, started together, stopped in reverse."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.clock import Clock
from gateway.config.grants import GrantSettings
from gateway.config.model import Settings
from gateway.config.plugins import PluginUse
from gateway.errors import StartError
from gateway.file_clients import FileClients
from gateway.plugin import GrantPlugin, Plugin, PluginContext, ProxyPlugin
from gateway.plugin_catalog import Catalog

log = logging.getLogger("gatepost")


def plugin_context(settings: Settings, clients: FileClients, clock: Clock) -> PluginContext:
    """What every plugin is lent."""
    return PluginContext(clock, clients=clients, tiers=settings.tiers)


class PluginShelf:
    """Makes plugins and keeps their life: each is started once and stopped once."""

    def __init__(self, catalog: Catalog, context: PluginContext) -> None:
        self._catalog = catalog
        self._context = context
        self._plugins: list[Plugin] = []

    def proxy_plugins(self, uses: Iterable[PluginUse], place: str) -> list[ProxyPlugin]:
        """The plugins of one list in gateway.yaml, in its order; `place` names the list."""
        made, seen = [], Counter[str]()
        for use in uses:
            seen[use.use] += 1
            context = replace(self._context, place=f"{place} {use.use} {seen[use.use]}")
            made.append(self._made(self._catalog.find(use.use, "proxy"), use.config, context))
        return made

    def grants(self, settings: Mapping[str, GrantSettings]) -> dict[str, GrantPlugin]:
        """The grants that are switched on, by `grant_type`.

        Raises:
            StartError: two of them answer the same one.
        """
        found: dict[str, GrantPlugin] = {}
        for name, grant in settings.items():
            if not grant.enabled:
                continue
            context = replace(self._context, place=name)
            plugin = self._made(self._catalog.find(grant.use or name, "grant"), grant.config, context)
            if plugin.grant_type in found:
                other = found[plugin.grant_type].name
                raise StartError(f"the grants {other} and {name} answer the same grant_type")
            found[plugin.grant_type] = plugin
        return found

    async def start(self) -> None:
        """Starts all. Call `stop` also when this fails."""
        for plugin in self._plugins:
            await plugin.start()

    async def stop(self) -> None:
        """Stops all, the last first; one that fails does not keep the others from it."""
        for plugin in reversed(self._plugins):
            try:
                await plugin.stop()
            except Exception:
                log.exception("the plugin %s failed to stop", type(plugin).__name__)

    def _made(self, plugin: type[Any], config: object, context: PluginContext) -> Any:
        made = plugin(config, context)
        self._plugins.append(made)
        return made
