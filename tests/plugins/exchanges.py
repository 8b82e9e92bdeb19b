"""Exchanges for tests of plugins."""

from __future__ import annotations

from typing import Any

from gateway.exchange import Exchange, Header, ResponseHead
from gateway.plugin import PluginContext, ProxyPlugin
from gateway.proxy.pipeline import forward_head
from tests.proxy.routing import request, route

CONTEXT = PluginContext(lambda: 1_800_000_000.0)


def made(plugin: type[ProxyPlugin], context: PluginContext = CONTEXT, **config: Any) -> Any:
    """A plugin with its configuration, as the file would give it."""
    return plugin(plugin.Config.model_validate(config), context)


def exchange(path: str = "/orders/7", *headers: Header, method: str = "GET", **changes: Any) -> Exchange:
    """An exchange on its way in."""
    return Exchange(request(path, method, "localhost", *headers), route("/orders", **changes), "id-1")


def forwarded(plugin: Any, *headers: Header, path: str = "/orders/7", **changes: Any) -> Exchange:
    """An exchange that the plugin has seen on its way upstream."""
    sent = exchange(path, *headers, **changes)
    plugin.on_request(sent)
    sent.forward = forward_head(sent)
    plugin.on_forward(sent)
    return sent


def answered(*headers: Header, sent: Exchange | None = None) -> Exchange:
    """An exchange with an upstream's answer."""
    sent = sent or exchange()
    sent.response = ResponseHead(200, b"OK", [*headers])
    return sent
