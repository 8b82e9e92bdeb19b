"""What an upstream is made from: plain values, translated from the configuration by the caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.exchange import Patience


@dataclass(slots=True, frozen=True)
class TlsSettings:
    """How an `https` server is verified, and how the gateway shows itself to it."""

    verify: bool = True
    ca: Path | None = None
    """Certificates to trust, in PEM; None: the system's."""
    certificate: Path | None = None
    """The gateway's own certificate chain, in PEM."""
    key: Path | None = None
    server_name: str | None = None
    """The name asked for and verified; None: the URL's host."""


@dataclass(slots=True, frozen=True)
class ServerSettings:
    """One server of an upstream."""

    url: str
    """`http://host:port`, `https://host:port` or `unix:/path/to/socket`."""
    weight: int = 1
    tls: TlsSettings = field(default_factory=TlsSettings)


@dataclass(slots=True, frozen=True)
class Timeouts:
    """Seconds."""

    connect: float = 2.0
    """Until the connection stands, with all addresses tried and TLS agreed."""
    response: float = 30.0
    """From the request's last byte until the answer's head."""
    idle: float = 60.0
    """Without a byte either way: in an answer's body, in a tunnel, or while the upstream takes no upload."""

    def for_one(self, patience: Patience | None) -> Timeouts:
        """These, but for what one request says of its own."""
        if patience is None:
            return self
        response = self.response if patience.response is None else patience.response
        idle = self.idle if patience.idle is None else patience.idle
        return Timeouts(self.connect, response, idle)


@dataclass(slots=True, frozen=True)
class PoolSettings:
    """The connections to one server, of one worker."""

    max_connections: int = 256
    max_queue: int = 10_000
    """Requests that wait for a connection; more are refused at once."""
    queue_timeout: float = 2.0
    """Seconds that a request waits for a connection."""
    keep_alive: float = 4.0
    """Seconds that an unused connection is kept: less than the 5 after which common servers close theirs, so
    that a request seldom meets a connection that is being closed."""
    lifetime: float = 300.0
    """Seconds after which a connection is not used again, so that a name's new addresses are followed."""


@dataclass(slots=True, frozen=True)
class HealthSettings:
    """How a server is asked whether it is well."""

    path: str = "/health"
    """Asked with GET; an answer from 200 to 399 is a good one."""
    interval: float = 5.0
    """Seconds between two questions."""
    timeout: float = 2.0
    """Seconds for connection and answer."""
    unhealthy_after: int = 2
    """Bad answers in a row."""
    healthy_after: int = 1
    """Good answers in a row."""
    host: str | None = None
    """The Host of the question; None: the server's own."""


@dataclass(slots=True, frozen=True)
class RetrySettings:
    """When a request that failed is sent again, provided that it may safely be."""

    attempts: int = 1
    """Retries, beside the first attempt."""
    on: frozenset[str] = frozenset({"connect", "503"})
    """`connect`, `reset`, and statuses of answers."""


@dataclass(slots=True, frozen=True)
class BreakerSettings:
    """When a server that fails gets a rest."""

    failures: int = 5
    """Requests in a row that got no answer."""
    open_for: float = 10.0
    """Seconds of rest."""


@dataclass(slots=True, frozen=True)
class UpstreamSettings:
    """An upstream as the configuration describes it."""

    servers: tuple[ServerSettings, ...]
    balance: str = "round_robin"
    """`round_robin`, `least_requests` or `hash`."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    pool: PoolSettings = field(default_factory=PoolSettings)
    health: HealthSettings | None = None
    retries: RetrySettings = field(default_factory=RetrySettings)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    slow_start: float = 10.0
    """Seconds in which a server that has recovered comes back to its full share."""
