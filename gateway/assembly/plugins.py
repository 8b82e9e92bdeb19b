"""The plugins of gateway.yaml: created in its order, started together, stopped in reverse order."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.accounts.static_clients import StaticClients
from gateway.assembly.tokens import configured_keys
from gateway.clock import Clock
from gateway.config.grants import GrantSettings
from gateway.config.model import Settings
from gateway.config.plugins import PluginUse
from gateway.errors import StartError
from gateway.oauth.token_encryption import TokenCipher
from gateway.plugin import GrantPlugin, Plugin, PluginContext, ProxyPlugin
from gateway.plugin.catalog import PluginCatalog
from gateway.store import ResponseCache, Store

log = logging.getLogger("gatepost")

_CACHED = "cached responses"
"""What the keys of cached responses are derived for."""


def plugin_context(
    settings: Settings, clients: StaticClients, clock: Clock, store: Store | None = None
) -> PluginContext:
    """The services every plugin may use. `store`: None for commands that ask nobody."""
    context = PluginContext(clock, clients=clients, tiers=settings.tiers)
    if store is None:
        return context
    cipher = TokenCipher(configured_keys(settings).derive(_CACHED), secrets.token_bytes)
    return replace(context, responses=ResponseCache(store.link, store.names, cipher), once=store.once)


class PluginSet:
    """Creates plugins and manages their life cycle: each is started once and stopped once."""

    def __init__(self, catalog: PluginCatalog, context: PluginContext) -> None:
        self._catalog = catalog
        self._context = context
        self._plugins: list[Plugin] = []
        self._places: dict[str, list[ProxyPlugin]] = {}

    def at(self, place: str) -> Sequence[ProxyPlugin]:
        """The plugins of one list in gateway.yaml, once they are made."""
        return self._places.get(place, ())

    def proxy_plugins(self, uses: Iterable[PluginUse], place: str) -> list[ProxyPlugin]:
        """The plugins of one list in gateway.yaml, in order. `place` identifies the list."""
        seen = Counter[str]()
        plugins: list[ProxyPlugin] = []
        for use in uses:
            seen[use.use] += 1
            context = replace(self._context, place=f"{place} {use.use} {seen[use.use]}")
            plugins.append(self._create(self._catalog.find(use.use, "proxy"), use.config, context))
        self._places[place] = plugins
        return plugins

    def built_in(self, make: Callable[[PluginContext], ProxyPlugin], place: str) -> ProxyPlugin:
        """A plugin that a key of its own configures. `place` identifies it."""
        plugin = make(replace(self._context, place=place))
        self._plugins.append(plugin)
        return plugin

    def grants(self, settings: Mapping[str, GrantSettings]) -> dict[str, GrantPlugin]:
        """The enabled grants by `grant_type`.

        Raises:
            StartError: two of them have the same `grant_type`.
        """
        found: dict[str, GrantPlugin] = {}
        for name, grant in settings.items():
            if not grant.enabled:
                continue
            context = replace(self._context, place=name)
            plugin = self._create(self._catalog.find(grant.use or name, "grant"), grant.config, context)
            if plugin.grant_type in found:
                other = found[plugin.grant_type].name
                raise StartError(f"the grants {other} and {name} have the same grant_type")
            found[plugin.grant_type] = plugin
        return found

    async def start(self) -> None:
        """Starts all plugins. If it fails, `stop` must still be called."""
        for plugin in self._plugins:
            await plugin.start()

    async def stop(self) -> None:
        """Stops all plugins in reverse order. Failures are logged and don't affect the others."""
        for plugin in reversed(self._plugins):
            try:
                await plugin.stop()
            except Exception:
                log.exception("the plugin %s failed to stop", type(plugin).__name__)

    def _create(self, plugin: type[Any], config: object, context: PluginContext) -> Any:
        instance = plugin(config, context)
        self._plugins.append(instance)
        return instance
