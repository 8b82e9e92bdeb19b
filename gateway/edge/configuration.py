"""What the edge's configuration is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.model import Settings
from gateway.config.server import HttpVersion
from gateway.export.envoy_clusters import SYSTEM_CAS
from gateway.http.edge_header import EdgeHeader

HTTP_1, HTTP_2, HTTP_3 = 1, 2, 3


@dataclass(frozen=True, slots=True)
class EdgeCertificate:
    """A certificate and its key as PEM."""

    names: frozenset[str]
    """The DNS names and addresses that it is for."""
    chain: str
    key: str
    client_ca: str | None = None
    """The CAs that client certificates are verified against."""


@dataclass(frozen=True, slots=True)
class EdgeListener:
    """A listener of `server.listen` at the edge."""

    index: int
    """Its place in `server.listen`."""
    host: str
    """An IP address."""
    port: int
    http: tuple[HttpVersion, ...]
    certificates: tuple[EdgeCertificate, ...]
    """The default first; none: plain text."""

    @property
    def name(self) -> str:
        """Its name in Envoy."""
        return f"listener-{self.index}"

    @property
    def quic(self) -> bool:
        """Whether it speaks HTTP/3, which has a listener of its own in Envoy: on UDP."""
        return HTTP_3 in self.http

    @property
    def scheme(self) -> str:
        """The scheme of its URLs."""
        return "https" if self.certificates else "http"


@dataclass(frozen=True, slots=True)
class EdgeConfiguration:
    """All that Envoy is told."""

    settings: Settings
    listeners: tuple[EdgeListener, ...]
    sockets: tuple[Path, ...]
    """Where the gateway's workers take requests from it. Others with each configuration: Envoy then makes new
    connections, and those to the workers of before are drained."""
    header: EdgeHeader
    folder: Path
    """Where Envoy finds its files."""
    upstream_files: Mapping[Path, str] = field(default_factory=dict)
    """The content of the CAs, certificates and keys of `upstream_tls_files`."""
    system_cas: Path = Path(SYSTEM_CAS)
    """What is trusted of upstreams that name no CA."""
