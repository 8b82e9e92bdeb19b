"""What a client connection knows of its server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.problems import Problem
from gateway.server.aiohttp_handler import AiohttpHandler
from gateway.server.client_connection import ClientConnection
from gateway.server.connection_manager import ConnectionManager
from gateway.server.in_flight import OverloadRefuser, RequestTaker

LINGERING: Final = 5.0
"""Seconds in which the rest of a body is still taken, and thrown away, behind an early answer."""


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """The same for all connections of a server."""

    connection_manager: ConnectionManager
    header_timeout: float
    """Seconds for a request's whole head."""
    idle_timeout: float
    """Seconds for the next request."""
    clock: Clock
    new_id: Callable[[], str]
    fast_path: RequestTaker | None
    refused: Callable[[str, str, Problem, int], None] = lambda _address, _request_id, _problem, _size: None
    """Hears of what is refused before it is a request: the client's address, the id, the problem, and the
    bytes of the answer's body."""
    limits: RequestHeadLimits = DEFAULT_LIMITS
    overload: OverloadRefuser | None = None
    """None: nothing is refused because the event loop is late."""


class ServerHandle(Protocol):
    """The server itself."""

    @property
    def shutting_down(self) -> bool:
        """Whether every response from now on is the last of its connection."""

    def handler(self, connection: ClientConnection) -> AiohttpHandler:
        """Makes aiohttp's part of a connection."""
