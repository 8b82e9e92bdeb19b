"""What an upstream is made from: plain values, translated from the configuration by the caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


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


@dataclass(slots=True, frozen=True)
class PoolSettings:
    """The connections to one server, of one worker."""

    max_connections: int = 256
    max_queue: int = 1024
    """Requests that wait for a connection; more are refused at once."""
    queue_timeout: float = 2.0
    """Seconds that a request waits for a connection."""
    keep_alive: float = 4.0
    """Seconds that an unused connection is kept: less than the 5 after which common servers close theirs, so
    that a request seldom meets a connection that is being closed."""


@dataclass(slots=True, frozen=True)
class UpstreamSettings:
    """An upstream as the configuration describes it."""

    servers: tuple[ServerSettings, ...]
    timeouts: Timeouts = field(default_factory=Timeouts)
    pool: PoolSettings = field(default_factory=PoolSettings)
