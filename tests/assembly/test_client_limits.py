"""What clients have left of the limits that count them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.accounts.limits_left import ReadLimits
from gateway.assembly.client_limits import limits_left
from gateway.assembly.plugins import PluginSet
from gateway.assembly.routes import plugin_place
from gateway.clock import system_clock
from gateway.config.load import load_text
from gateway.errors import StoreUnavailable
from gateway.limits import Limits
from gateway.oauth.model import Client, Subscription, TokenInfo
from gateway.plugin import PluginContext
from gateway.plugin.catalog import PluginCatalog
from gateway.store import Store
from tests.conftest import Valkey
from tests.plugins.exchanges import exchange
from tests.record_keys import MAC

CONFIG = """
upstreams: {orders: {servers: [{url: "http://127.0.0.1:1"}]}}
tiers: {gold: 7 per 1h}
plugins:
  - {use: quota, with: {limit: 100, per: day}}
  - {use: rate_limit, with: {limit: 9, per: 1s, by: address}}
routes:
  - path: /orders
    methods: [GET]
    upstream: orders
    scopes: [orders.read]
    plugins: [{use: rate_limit, with: {limit: 3, per: 1h, burst: 2}}]
  - path: /asked
    upstream: orders
    access: request
    docs: {title: Asked}
    plugins: [{use: rate_limit, with: {limit: 2, per: 1m}}, {use: concurrency, with: {limit: 1}}]
  - {path: /open, upstream: orders, auth: none, plugins: [{use: quota, with: {limit: 1, per: day}}]}
"""
SHOP = Client("shop", scopes=("orders.read",), source="store")


def reader(store: Store) -> tuple[Limits, PluginSet, ReadLimits]:
    settings = load_text(CONFIG, {}, PluginCatalog())
    limits = Limits(store.limits)
    context = PluginContext(system_clock, tiers=settings.tiers, limits=limits)
    plugins = PluginSet(PluginCatalog(), context)
    plugins.proxy_plugins(settings.plugins, "everywhere")
    for route in settings.routes:
        plugins.proxy_plugins(route.plugins, plugin_place(route))
    return limits, plugins, limits_left(settings, plugins, store, system_clock)


async def left(read: ReadLimits, client: Client) -> list[tuple[str, str, int, int]]:
    return [(one.route, one.name, one.limit, one.left) for one in await read(client)]


async def test_only_limits_by_client_of_what_it_may_call_are_told(store: Store) -> None:
    _, _, read = reader(store)
    everywhere = ("", "quota-day", 100, 100)
    assert await left(read, replace(SHOP, scopes=())) == [everywhere]
    assert await left(read, SHOP) == [
        everywhere,
        ("/orders", "client-burst", 2, 2),
        ("/orders", "client", 3, 3),
    ]
    gold = replace(SHOP, tier="gold", subscriptions=(Subscription("Asked"),))
    assert await left(read, gold) == [everywhere, ("/orders", "client", 7, 7), ("/asked", "client", 7, 7)]
    asked = replace(SHOP, scopes=(), subscriptions=(Subscription("Asked", "gold"),))
    assert await left(read, asked) == [everywhere, ("/asked", "client", 7, 7)]
    first, second, _ = await read(SHOP)
    assert (first.ends or 0) % 86_400 == 0
    assert (second.ends, second.methods, second.seconds) == (None, ("GET",), 2400)


async def test_what_was_used_is_not_left(store: Store) -> None:
    limits, plugins, read = reader(store)
    await plugins.start()
    sent: Any = exchange("/orders")
    sent.token = TokenInfo("shop", ("orders.read",), (), "shop", 0, 2**40, "g", "store")
    for _ in range(2):
        for plugin in plugins.at("*/orders prefix GET"):
            if (waiting := plugin.on_authorized(sent)) is not None:  # type: ignore[attr-defined]
                await waiting
    await plugins.stop()
    assert not limits.away
    assert await left(read, SHOP) == [
        ("", "quota-day", 100, 100),
        ("/orders", "client-burst", 2, 0),
        ("/orders", "client", 3, 1),
    ]
    assert (await left(read, replace(SHOP, id="other")))[2] == ("/orders", "client", 3, 3)


async def test_without_the_store_nothing_is_told(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, "limits:", 0.2, mac=MAC)
    await store.start()
    _, _, read = reader(store)
    own_valkey.kill()
    with pytest.raises(StoreUnavailable):
        await read(SHOP)
    await store.stop()
