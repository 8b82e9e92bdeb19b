"""The upstreams of gateway.yaml, and those that a route names by URL."""

from __future__ import annotations

from gateway.config.model import Settings
from gateway.config.upstreams import UpstreamSettings as Configured
from gateway.upstream import Upstream
from gateway.upstream.settings import PoolSettings, ServerSettings, Timeouts, UpstreamSettings


def make_upstreams(settings: Settings) -> dict[str, Upstream]:
    """Every upstream that a route can go to, by what the route calls it. None is started."""
    named: dict[str, Upstream] = {
        name: Upstream(name, _settings(configured)) for name, configured in settings.upstreams.items()
    }
    by_url = {route.upstream for route in settings.routes} - named.keys()
    return named | {url: Upstream(url, UpstreamSettings((ServerSettings(url),))) for url in by_url}


def _settings(configured: Configured) -> UpstreamSettings:
    timeouts = configured.timeouts
    return UpstreamSettings(
        servers=tuple(ServerSettings(server.url, server.weight) for server in configured.servers),
        timeouts=Timeouts(timeouts.connect, timeouts.response, timeouts.idle),
        pool=PoolSettings(max_connections=configured.max_connections),
    )
