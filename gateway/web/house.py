"""What a connection knows of the server that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.clock import Clock
from gateway.web.handler import Handler
from gateway.web.lane import Lane
from gateway.web.overseer import Overseer
from gateway.web.owner import Owner


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all connections of a server."""

    overseer: Overseer
    header_timeout: float
    """Seconds for a request's whole head."""
    idle_timeout: float
    """Seconds for the next request."""
    clock: Clock
    new_id: Callable[[], str]
    lane: Lane | None


class House(Protocol):
    """The server itself."""

    @property
    def leaving(self) -> bool:
        """Whether every answer from now on is the last of its connection."""

    def handler(self, connection: Owner) -> Handler:
        """Makes aiohttp's part of a connection."""
