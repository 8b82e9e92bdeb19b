"""Where a server is, read from its URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
SERVICE: Final = "srv+"
"""Before the scheme of a URL whose host is the name of SRV records (RFC 2782)."""


@dataclass(slots=True, frozen=True)
class ServerAddress:
    """A server's place: a name and a port, or a Unix socket."""

    host: str
    """Without brackets; empty for a Unix socket."""
    port: int
    secure: bool = False
    socket: str | None = None
    """The Unix socket's path."""
    base_path: str = ""
    """What the URL puts before every path; without a slash at its end."""

    service: bool = False
    """`host` is the name of SRV records, and `port` has no meaning."""

    def __str__(self) -> str:
        if self.socket is not None:
            return f"unix:{self.socket}"
        if self.service:
            return f"{'srv+https' if self.secure else 'srv+http'}://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


def parse_server_address(url: str) -> ServerAddress:
    """Reads `http://host:port/base`, `https://…`, `srv+http://name/base`, `srv+https://…` or `unix:/path`.

    Raises:
        ValueError: anything else.
    """
    if url.startswith("unix:"):
        path = url.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            raise ValueError(f"{url!r}: the socket's path must be absolute, as in unix:/run/app.sock")
        return ServerAddress(host="", port=0, socket=path)
    parts = urlsplit(url)
    service = parts.scheme.startswith(SERVICE)
    scheme = parts.scheme.removeprefix(SERVICE)
    if scheme not in _PORTS or not parts.hostname or (service and parts.port is not None):
        raise ValueError(f"{url!r} is not of the form http://host:port, https://host:port or unix:/path")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{url!r}: only host, port and path belong into a server's URL")
    return ServerAddress(
        host=parts.hostname,
        port=parts.port if parts.port is not None else _PORTS[scheme],
        secure=scheme == "https",
        service=service,
        base_path=parts.path.rstrip("/"),
    )
