"""Connection limits and minimum data rates from `server`."""

from __future__ import annotations

from collections.abc import Callable

from gateway.config.model import Settings
from gateway.config.server import ServerSettings
from gateway.http.exchange import UNIX_SOCKET
from gateway.http.forwarded import TrustedProxies, trust
from gateway.server.connection_limits import ConnectionLimits
from gateway.server.connection_manager import ConnectionManager
from gateway.server.limit_log import LimitLog
from gateway.server.min_data_rate import MinDataRate


def min_data_rate(server: ServerSettings) -> MinDataRate:
    """The minimum data rate of request bodies and of responses being read."""
    return MinDataRate(server.timeouts.body, server.min_rate)


def connection_manager(server: ServerSettings, count: Callable[[str], None]) -> ConnectionManager:
    """The manager that limits and times out client connections. `count` hears of each limit reached."""
    trusted = trust(server.trusted_proxies)
    limits = ConnectionLimits(
        server.max_connections,
        server.max_connections_per_address,
        # Clients on a Unix socket have no address by which they could be told apart.
        lambda address: address == UNIX_SOCKET or trusted(address),
    )
    timeouts = server.timeouts
    shortest = min(timeouts.header, timeouts.idle)
    return ConnectionManager(limits, min_data_rate(server), shortest, LimitLog(count).reached)


def trusted_proxies(settings: Settings) -> TrustedProxies:
    """Whose forwarded headers are believed."""
    server = settings.server
    return TrustedProxies(server.trusted_proxies, server.client_certificate_header)
