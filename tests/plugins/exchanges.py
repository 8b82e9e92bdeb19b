"""Exchanges for tests of plugins."""

from __future__ import annotations

from typing import Any

from gateway.http.exchange import Exchange, Header, ResponseHead
from gateway.plugin import PluginContext, ProxyPlugin
from gateway.proxy.forward_head import build_forward_head
from tests.proxy.routing import request, route

CONTEXT = PluginContext(lambda: 1_800_000_000.0)


def made(plugin: type[ProxyPlugin], context: PluginContext = CONTEXT, **config: Any) -> Any:
    """A plugin with the given configuration."""
    return plugin(plugin.Config.model_validate(config), context)


def exchange(path: str = "/orders/7", *headers: Header, method: str = "GET", **changes: Any) -> Exchange:
    """An exchange with a new request."""
    return Exchange(request(path, method, "localhost", *headers), route("/orders", **changes), "id-1")


def forwarded(plugin: Any, *headers: Header, path: str = "/orders/7", **changes: Any) -> Exchange:
    """An exchange after the plugin's `on_forward`."""
    sent = exchange(path, *headers, **changes)
    plugin.on_request(sent)
    sent.forward = build_forward_head(sent)
    plugin.on_forward(sent)
    return sent


def answered(*headers: Header, sent: Exchange | None = None) -> Exchange:
    """An exchange with an upstream response."""
    sent = sent or exchange()
    sent.response = ResponseHead(200, b"OK", [*headers])
    return sent
