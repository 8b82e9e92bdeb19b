"""Asks Envoy how it is."""

from __future__ import annotations

import http.client
import re
import socket
from pathlib import Path
from typing import NamedTuple

TIMEOUT = 5.0
"""Seconds for an answer."""
_FILTER = "%7C".join(
    (
        r"(lds%7Ccds)\.(version_text%7Cupdate_rejected)",
        r"total_listeners_(active%7Cwarming)",
        r"http\.edge\.downstream_rq_active",
    )
)
"""A regular expression; %7C is its `|`."""
_LINE = re.compile(r'^(\S+): "?([^"\n]*)"?$', re.MULTILINE)


class EnvoyStatus(NamedTuple):
    """What it has taken over, and what it does."""

    versions: frozenset[str]
    """Those of the clusters and of the listeners."""
    rejected: int
    """How many files it could not use since it started."""
    active: int
    """Listeners that accept."""
    warming: int
    """Listeners that wait for their routes or certificates."""
    requests: int
    """Requests under way."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("envoy", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self._path))


def envoy_status(admin: Path) -> EnvoyStatus | None:
    """None: it does not answer."""
    connection = _UnixConnection(admin)
    try:
        connection.request("GET", f"/stats?filter={_FILTER}")
        return read_status(connection.getresponse().read().decode())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def read_status(text: str) -> EnvoyStatus:
    """The status in what Envoy prints as `/stats`."""
    found = dict(_LINE.findall(text))

    def number(name: str) -> int:
        return int(found.get(name, "0"))

    lds, cds = "listener_manager.lds", "cluster_manager.cds"
    return EnvoyStatus(
        frozenset(found.get(f"{one}.version_text", "") for one in (lds, cds)),
        number(f"{lds}.update_rejected") + number(f"{cds}.update_rejected"),
        number("listener_manager.total_listeners_active"),
        number("listener_manager.total_listeners_warming"),
        number("http.edge.downstream_rq_active"),
    )
