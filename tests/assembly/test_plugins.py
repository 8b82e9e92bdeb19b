"""The life of plugins, and what each is lent."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.accounts.static_clients import StaticClients
from gateway.assembly.clients import file_clients
from gateway.assembly.plugins import PluginSet, plugin_context
from gateway.config.grants import GrantSettings
from gateway.config.load import load_text
from gateway.config.plugins import PluginUse
from gateway.errors import StartError
from gateway.plugin import (
    Exchange,
    Grant,
    GrantPlugin,
    GrantRequest,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
)
from gateway.plugin.catalog import PluginCatalog

LIFE: list[str] = []


class Noted(ProxyPlugin):
    def on_request(self, exchange: Exchange) -> None: ...

    async def start(self) -> None:
        LIFE.append(f"start {self.context.place}")

    async def stop(self) -> None:
        LIFE.append(f"stop {self.context.place}")


class Failing(Noted):
    async def start(self) -> None:
        raise StartError("no")

    async def stop(self) -> None:
        LIFE.append("stop failing")
        raise OSError


class Own(GrantPlugin):
    grant_type = "urn:example:own"

    def grant(self, request: GrantRequest) -> Grant:
        raise AssertionError


def plugin_set() -> PluginSet:
    LIFE.clear()
    return PluginSet(PluginCatalog(), PluginContext(lambda: 0.0))


def use(kind: type[Any]) -> PluginUse:
    return PluginUse.model_validate({"use": f"{__name__}:{kind.__name__}", "with": PluginConfig()})


def grant(*, enabled: bool = True, plugin: str | None = f"{__name__}:Own") -> GrantSettings:
    return GrantSettings(enabled=enabled, use=plugin, config=PluginConfig())


async def test_all_are_started_in_order_and_stopped_in_reverse() -> None:
    plugins = plugin_set()
    plugins.proxy_plugins([use(Noted), use(Noted)], "everywhere")
    await plugins.start()
    await plugins.stop()
    name = f"everywhere {__name__}:Noted"
    assert [f"start {name} 1", f"start {name} 2", f"stop {name} 2", f"stop {name} 1"] == LIFE


async def test_one_that_fails_keeps_no_other_from_its_stop() -> None:
    plugins = plugin_set()
    plugins.proxy_plugins([use(Noted), use(Failing)], "everywhere")
    with pytest.raises(StartError):
        await plugins.start()
    await plugins.stop()
    assert LIFE[1:] == ["stop failing", f"stop everywhere {__name__}:Noted 1"]


def test_a_grant_is_found_by_its_type_and_called_as_the_file_calls_it() -> None:
    found = plugin_set().grants({"mine": grant(), "off": grant(enabled=False)})
    assert {grant_type: plugin.name for grant_type, plugin in found.items()} == {"urn:example:own": "mine"}


def test_two_grants_of_one_type_are_refused() -> None:
    with pytest.raises(StartError, match="the grants mine and other have the same grant_type"):
        plugin_set().grants({"mine": grant(), "other": grant()})


def test_plugins_are_given_the_clients_and_tiers_of_the_file() -> None:
    text = """
clients: [{id: a, secrets: [x], tier: gold, api_keys: [0123456789abcdef]}]
tiers: {gold: 5 per 1m}
"""
    settings = load_text(text, {}, PluginCatalog())
    context = plugin_context(settings, StaticClients(file_clients(settings.clients)), lambda: 1.0)
    found = context.clients.by_api_key(b"0123456789abcdef")
    assert found is not None
    assert (found.id, found.tier, context.tiers["gold"].limit) == ("a", "gold", 5)
    assert context.clock() == 1.0
