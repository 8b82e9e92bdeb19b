"""Refuses requests of clients from outside their networks."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.http.exchange import Exchange
from gateway.http.problems import FORBIDDEN, Problem
from gateway.oauth.networks import is_inside
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin


class ClientNetworks(ProxyPlugin):
    """A hook of every route, where any client has `networks`: requests of the others cost nothing."""

    def __init__(self, networks: Mapping[str, tuple[str, ...]], context: PluginContext) -> None:
        """`networks` are those of the file's clients, by client id."""
        super().__init__(PluginConfig(), context)
        self._networks = networks

    def on_authorized(self, exchange: Exchange) -> None:
        """Refuses a token of a client that may not call from this address.

        The address is that which trusted proxies vouch for (`server.trusted_proxies`).
        """
        token = exchange.token
        if token is None or token.source != "file":
            return
        if not is_inside(self._networks.get(token.client, ()), exchange.request.peer.address):
            raise Problem(FORBIDDEN, "The client may not call from this address.")
