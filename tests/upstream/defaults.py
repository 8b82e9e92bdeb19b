"""Settings of upstreams with the configuration's defaults, but for what a test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.assembly.upstreams import upstream_settings
from gateway.config.resilience import HealthConfig
from gateway.config.upstreams import UpstreamConfig, UpstreamServerConfig
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

_SERVER = UpstreamServerConfig(url="http://orders.test")
_DEFAULT = upstream_settings(UpstreamConfig(servers=(_SERVER,), health=HealthConfig()))


def a_server(url: str, **changes: Any) -> UpstreamServerSettings:
    return replace(_DEFAULT.servers[0], url=url, **changes)


def an_upstream(servers: Sequence[UpstreamServerSettings], **changes: Any) -> UpstreamSettings:
    return replace(_DEFAULT, servers=tuple(servers), **{"health": None, **changes})


def timeouts_of(**changes: Any) -> Timeouts:
    return replace(_DEFAULT.timeouts, **changes)


def pool_of(**changes: Any) -> PoolSettings:
    return replace(_DEFAULT.pool, **changes)


def health_of(**changes: Any) -> HealthSettings:
    assert _DEFAULT.health is not None
    return replace(_DEFAULT.health, **changes)


def retries_of(**changes: Any) -> RetrySettings:
    return replace(_DEFAULT.retries, **changes)


def breaker_of(**changes: Any) -> BreakerSettings:
    return replace(_DEFAULT.breaker, **changes)


def tls_of(**changes: Any) -> TlsSettings:
    return replace(_DEFAULT.servers[0].tls, **changes)
