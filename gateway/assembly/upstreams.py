"""The upstreams of gateway.yaml, and implicit ones of routes that name a URL."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterable, Iterator

from gateway.config.logging import UPSTREAM_FIELDS
from gateway.config.model import Settings
from gateway.config.resilience import BreakerConfig
from gateway.config.upstream_auth import UpstreamAuth
from gateway.config.upstreams import UpstreamConfig, UpstreamServerConfig, UpstreamTls, split_nameserver
from gateway.errors import StartError
from gateway.issuers.aiohttp_client import AiohttpClient
from gateway.runtime.give_way import giving_way
from gateway.upstream import Upstream
from gateway.upstream.adaptive_concurrency import AdaptiveConcurrencySettings
from gateway.upstream.address import SERVICE
from gateway.upstream.credentials import (
    ClientCredentialsTokens,
    StaticCredentials,
    UpstreamCredentials,
    UpstreamTokenRequest,
)
from gateway.upstream.resolve import Lookup, look_up
from gateway.upstream.response_parser import HEAD_LIMIT
from gateway.upstream.service_lookup import ServiceLookup, service_lookup
from gateway.upstream.settings import (
    BreakerSettings,
    HealthSettings,
    PoolSettings,
    RetrySettings,
    Timeouts,
    TlsSettings,
    UpstreamServerSettings,
    UpstreamSettings,
)

_NO_BREAKER = BreakerSettings(failures=sys.maxsize, open_for=0.0)

TOKEN_TIMEOUT = 5.0
"""Seconds for a token request to an upstream's authorization server. Not configurable."""
CONNECTION_LIFETIME = 300.0
"""Maximum age of an upstream connection in seconds, so that DNS changes take effect. Not configurable."""


def make_upstreams(
    settings: Settings, lookup: Lookup = look_up, *, timed: bool = False
) -> dict[str, Upstream]:
    """All upstreams by the name that routes use, not started.

    `lookup` resolves the host names of their servers. `timed`: the times of requests are wanted, whether or
    not the access log has them.
    """
    logged = settings.logging.access and not UPSTREAM_FIELDS.isdisjoint(settings.logging.fields)
    return {
        name: Upstream(
            name,
            upstream_settings(configured, settings.server.limits.answer_head),
            lookup=lookup,
            credentials=_credentials(name, configured.auth),
            service_lookup=_service_lookup(configured),
            timed=timed or logged,
        )
        for name, configured in configured_upstreams(settings).items()
    }


def _service_lookup(configured: UpstreamConfig) -> ServiceLookup | None:
    """How SRV records are looked up; None where no server has any."""
    if not any(server.url.startswith(SERVICE) for server in configured.servers):
        return None
    return service_lookup([split_nameserver(value) for value in configured.nameservers])


def _credentials(upstream: str, auth: UpstreamAuth | None) -> UpstreamCredentials | None:
    """What the gateway shows to an upstream."""
    if auth is None:
        return None
    if auth.client_credentials is not None:
        grant = auth.client_credentials
        request = UpstreamTokenRequest(
            grant.token_url, grant.client_id, grant.client_secret.get_secret_value(), grant.scope
        )
        return ClientCredentialsTokens(upstream, request, AiohttpClient(TOKEN_TIMEOUT), time.monotonic)
    if auth.basic is not None:
        # RFC 7617 section 2.1: UTF-8, which all that take more than ASCII expect.
        pair = f"{auth.basic.user}:{auth.basic.password.get_secret_value()}".encode()
        return StaticCredentials(b"Authorization", b"Basic " + base64.b64encode(pair))
    if auth.header is not None:
        return StaticCredentials(auth.header.name.encode(), auth.header.value.get_secret_value().encode())
    return None


async def start_upstreams(upstreams: Iterable[Upstream]) -> None:
    """Starts all upstreams.

    Raises:
        StartError: an upstream's TLS files can't be used.
    """
    for upstream in upstreams:
        try:
            await upstream.start()
        except (OSError, ValueError) as error:
            # The configuration is validated, but the content of its TLS files is not.
            raise StartError(f"the upstream {upstream.name} can't be used: {error}") from error


def configured_upstreams(settings: Settings) -> dict[str, UpstreamConfig]:
    """The settings of each upstream. A URL used in a route becomes an upstream with default settings."""
    upstreams = dict(settings.upstreams)
    for name in _destinations(settings):
        if name not in upstreams:
            upstreams[name] = UpstreamConfig(servers=(UpstreamServerConfig(url=name),))
    return upstreams


def _destinations(settings: Settings) -> Iterator[str]:
    for route in giving_way(settings.routes):
        if route.upstream is not None:
            yield route.upstream
        if route.canary is not None:
            yield route.canary.upstream
        if route.mirror is not None:
            yield route.mirror.upstream


def described(configured: UpstreamConfig) -> str:
    """Servers and balancing policy in one line, for `gatepost explain`."""
    servers = [
        server.url if server.weight == 1 else f"{server.url} (weight {server.weight})"
        for server in configured.servers
    ]
    if len(servers) == 1:
        return servers[0]
    policy = f"hash by {configured.hash_by}" if configured.balance == "hash" else configured.balance
    return f"{', '.join(servers)}: {policy}"


def upstream_settings(configured: UpstreamConfig, head_limit: int = HEAD_LIMIT) -> UpstreamSettings:
    """Converts the configuration of an upstream to its runtime settings.

    `head_limit`: bytes of a response's head.
    """
    timeouts, retries = configured.timeouts, configured.retries
    tls = _tls(configured.tls or UpstreamTls())
    return UpstreamSettings(
        servers=tuple(
            UpstreamServerSettings(url=server.url, weight=server.weight, priority=0, tls=tls)
            for server in configured.servers
        ),
        balance=configured.balance,
        timeouts=Timeouts(connect=timeouts.connect, response=timeouts.response, idle=timeouts.idle),
        pool=PoolSettings(
            max_connections=configured.max_connections,
            max_queue=configured.max_queue,
            queue_timeout=configured.queue_timeout,
            keep_alive=configured.keep_alive,
            lifetime=CONNECTION_LIFETIME,
            head_limit=head_limit,
        ),
        health=_health(configured),
        retries=RetrySettings(attempts=retries.attempts, on=frozenset(retries.on)),
        breaker=_NO_BREAKER if configured.breaker is None else _breaker(configured.breaker),
        slow_start=configured.slow_start,
        adaptive_concurrency=_adaptive_concurrency(configured),
    )


def _health(configured: UpstreamConfig) -> HealthSettings | None:
    """Servers of gRPC are checked by those who call them."""
    health, host = configured.health, configured.host_header
    if health is None or configured.protocol == "grpc":
        return None
    return HealthSettings(
        path=health.path,
        interval=health.interval,
        timeout=health.timeout,
        unhealthy_after=health.unhealthy_after,
        healthy_after=health.healthy_after,
        host=host if health.host is None else health.host,
        headers=tuple((name, value.get_secret_value()) for name, value in health.headers.items()),
        statuses=frozenset(health.expect.status),
        body=health.expect.body,
        port=health.port,
    )


def _adaptive_concurrency(configured: UpstreamConfig) -> AdaptiveConcurrencySettings | None:
    adaptive = configured.adaptive_concurrency
    if adaptive is None:
        return None
    return AdaptiveConcurrencySettings(
        min_concurrency=adaptive.min_concurrency,
        max_concurrency=configured.max_connections,
        buffer=adaptive.buffer,
        min_rtt_interval=adaptive.min_rtt_interval,
    )


def _breaker(breaker: BreakerConfig) -> BreakerSettings:
    return BreakerSettings(failures=breaker.failures, open_for=breaker.open_for)


def _tls(tls: UpstreamTls) -> TlsSettings:
    return TlsSettings(
        verify=tls.verify,
        ca=tls.ca,
        certificate=tls.certificate,
        key=tls.key,
        server_name=tls.server_name,
    )
