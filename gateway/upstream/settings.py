"""What an upstream is made from: plain values. None has a default here: the configuration has them all
(`gateway.config.upstreams`), and `gateway.assembly.upstreams` hands them on, each by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.http.exchange import TimeoutOverrides
from gateway.upstream.adaptive_concurrency import AdaptiveConcurrencySettings


@dataclass(slots=True, frozen=True, kw_only=True)
class TlsSettings:
    """How an `https` server is verified, and how the gateway shows itself to it."""

    verify: bool
    ca: Path | None
    """Certificates to trust, in PEM; None: the system's."""
    certificate: Path | None
    """The gateway's own certificate chain, in PEM."""
    key: Path | None
    server_name: str | None
    """The name asked for and verified; None: the URL's host."""


@dataclass(slots=True, frozen=True, kw_only=True)
class UpstreamServerSettings:
    """One server of an upstream."""

    url: str
    """`http://host:port`, `https://host:port`, `unix:/path/to/socket`, or `srv+http://name`: each server that
    the SRV records of the name list."""
    weight: int
    priority: int
    """Servers with the lowest number are used as long as one of them can be."""
    tls: TlsSettings


@dataclass(slots=True, frozen=True, kw_only=True)
class Timeouts:
    """Seconds."""

    connect: float
    """Until the connection is established: all addresses tried, TLS handshake done."""
    response: float
    """From the request's last byte until the response's head."""
    idle: float
    """Without a byte either way: in a response's body, in a tunnel, or while the upstream reads no upload."""

    def for_one(self, overrides: TimeoutOverrides | None) -> Timeouts:
        """These, but for what one request says of its own."""
        if overrides is None:
            return self
        response = self.response if overrides.response is None else overrides.response
        idle = self.idle if overrides.idle is None else overrides.idle
        return Timeouts(connect=self.connect, response=response, idle=idle)


@dataclass(slots=True, frozen=True, kw_only=True)
class PoolSettings:
    """The connections to one server, of one worker."""

    max_connections: int
    max_queue: int
    """Requests that wait for a connection; more are refused at once."""
    queue_timeout: float
    """Seconds that a request waits for a connection."""
    keep_alive: float
    """Seconds that an unused connection is kept: less than the 5 after which common servers close theirs, so
    that a request seldom meets a connection that is being closed."""
    head_limit: int
    """Bytes of a response's head."""
    lifetime: float
    """Seconds after which a connection is not used again, so that a name's new addresses are followed."""


@dataclass(slots=True, frozen=True, kw_only=True)
class HealthSettings:
    """How the health of a server is checked."""

    path: str
    """Requested with GET."""
    interval: float
    """Seconds between two checks."""
    timeout: float
    """Seconds for connection and response."""
    unhealthy_after: int
    """Failed checks in a row."""
    healthy_after: int
    """Passed checks in a row."""
    host: str | None
    """The Host of the check; None: the server's own."""
    headers: tuple[tuple[str, str], ...]
    """Further headers of the check."""
    statuses: frozenset[int]
    """Statuses with which the check passes; empty: 200 to 399."""
    body: str | None
    """Text that the response's body must have; None: the body is not read."""
    port: int | None
    """The port that is checked; None: the server's own."""


@dataclass(slots=True, frozen=True, kw_only=True)
class RetrySettings:
    """When a request that failed is sent again, where that is safe."""

    attempts: int
    """Retries, beside the first attempt."""
    on: frozenset[str]
    """`connect`, `reset`, and statuses of responses."""


@dataclass(slots=True, frozen=True, kw_only=True)
class BreakerSettings:
    """When the circuit breaker of a server opens, and for how long."""

    failures: int
    """Requests in a row that got no response."""
    open_for: float
    """Seconds."""


@dataclass(slots=True, frozen=True, kw_only=True)
class UpstreamSettings:
    """An upstream as the configuration describes it."""

    servers: tuple[UpstreamServerSettings, ...]
    balance: str
    """`round_robin`, `least_requests` or `hash`."""
    timeouts: Timeouts
    pool: PoolSettings
    health: HealthSettings | None
    retries: RetrySettings
    breaker: BreakerSettings
    slow_start: float
    """Seconds in which a server that has recovered gets back its full share."""
    adaptive_concurrency: AdaptiveConcurrencySettings | None
    """None: `pool` alone bounds the requests to a server."""
