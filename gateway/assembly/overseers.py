"""What the configuration says about connections and slow callers, for the server that holds them."""

from __future__ import annotations

from gateway.config.server import Server
from gateway.proxy.forwarded import trust
from gateway.web.gate import GateLimits
from gateway.web.overseer import Overseer
from gateway.web.patience import Patience


def patience(server: Server) -> Patience:
    """How slow a caller may be."""
    return Patience(server.timeouts.body, server.min_rate)


def overseer(server: Server) -> Overseer:
    """Who stands at the server's door."""
    limits = GateLimits(
        server.max_connections, server.max_connections_per_address, trust(server.trusted_proxies)
    )
    timeouts = server.timeouts
    return Overseer(limits, patience(server), min(timeouts.header, timeouts.idle))
