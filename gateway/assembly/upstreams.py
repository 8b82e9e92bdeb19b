"""The upstreams of gateway.yaml, and those that a route names by URL."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from gateway.config.model import Settings
from gateway.config.resilience import Breaker, Health
from gateway.config.upstreams import UpstreamServer, UpstreamTls
from gateway.config.upstreams import UpstreamSettings as Configured
from gateway.errors import StartError
from gateway.upstream import Upstream
from gateway.upstream.resolve import Lookup, look_up
from gateway.upstream.settings import (
    BreakerSettings,
    HealthSettings,
    PoolSettings,
    RetrySettings,
    ServerSettings,
    Timeouts,
    TlsSettings,
    UpstreamSettings,
)

_NEVER = BreakerSettings(failures=sys.maxsize)


def make_upstreams(settings: Settings, lookup: Lookup = look_up) -> dict[str, Upstream]:
    """Every upstream that a route can go to, by what the route calls it. None is started.

    `lookup` finds the addresses of their servers' names.
    """
    return {
        name: Upstream(name, _settings(configured), lookup=lookup)
        for name, configured in configured_upstreams(settings).items()
    }


async def start_upstreams(upstreams: Iterable[Upstream]) -> None:
    """Makes them ready.

    Raises:
        StartError: one can't be used as it is configured.
    """
    for upstream in upstreams:
        try:
            await upstream.start()
        except (OSError, ValueError) as error:
            # What gateway.yaml says has been checked; what is in the files of its TLS has not.
            raise StartError(f"the upstream {upstream.name} can't be used: {error}") from error


def configured_upstreams(settings: Settings) -> dict[str, Configured]:
    """What gateway.yaml says of each upstream; one that a route names by URL has the defaults."""
    made = dict(settings.upstreams)
    for name in _destinations(settings):
        if name not in made:
            made[name] = Configured(servers=(UpstreamServer(url=name),))
    return made


def _destinations(settings: Settings) -> Iterator[str]:
    for route in settings.routes:
        yield route.upstream
        if route.canary is not None:
            yield route.canary.upstream


def described(configured: Configured) -> str:
    """Its servers and how they are chosen, in a few words for `gatepost explain`."""
    servers = [
        server.url if server.weight == 1 else f"{server.url} (weight {server.weight})"
        for server in configured.servers
    ]
    if len(servers) == 1:
        return servers[0]
    way = f"hash by {configured.hash_by}" if configured.balance == "hash" else configured.balance
    return f"{', '.join(servers)}: {way}"


def _settings(configured: Configured) -> UpstreamSettings:
    timeouts, retries = configured.timeouts, configured.retries
    tls = _tls(configured.tls)
    return UpstreamSettings(
        servers=tuple(ServerSettings(server.url, server.weight, tls) for server in configured.servers),
        balance=configured.balance,
        timeouts=Timeouts(timeouts.connect, timeouts.response, timeouts.idle),
        pool=PoolSettings(
            max_connections=configured.max_connections,
            max_queue=configured.max_queue,
            queue_timeout=configured.queue_timeout,
            keep_alive=configured.keep_alive,
        ),
        health=_health(configured.health, configured.host_header),
        retries=RetrySettings(retries.attempts, frozenset(retries.on)),
        breaker=_breaker(configured.breaker),
        slow_start=configured.slow_start,
    )


def _health(health: Health | None, host: str | None) -> HealthSettings | None:
    if health is None:
        return None
    return HealthSettings(
        health.path, health.interval, health.timeout, health.unhealthy_after, health.healthy_after, host
    )


def _breaker(breaker: Breaker | None) -> BreakerSettings:
    return _NEVER if breaker is None else BreakerSettings(breaker.failures, breaker.open_for)


def _tls(tls: UpstreamTls | None) -> TlsSettings:
    if tls is None:
        return TlsSettings()
    return TlsSettings(tls.verify, tls.ca, tls.certificate, tls.key, tls.server_name)
