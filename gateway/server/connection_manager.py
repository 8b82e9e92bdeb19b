"""Accepts client connections up to the limits, and ends those that are too slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from gateway.runtime.beat import TOLERANCE, until_beat
from gateway.server.connection_limits import ConnectionLimiter, ConnectionLimits
from gateway.server.min_data_rate import MinDataRate

MAX_CHECK_INTERVAL: Final = 5.0
"""Seconds between two looks at all connections."""

Reached = Callable[[str, str], None]
"""Hears of a limit (`gateway.http.limit_names`) and of the address of the client that has reached it."""


def _nobody_hears(_limit: str, _address: str) -> None:
    """Nobody is told."""


class ManagedConnection(Protocol):
    """A connection, as its manager sees it."""

    @property
    def address(self) -> str:
        """The other end's IP address."""

    def check_timeouts(self, now: float) -> bool:
        """Ends itself where its client has taken too long. Whether its client is to do something now: then it
        is looked at again soon.
        """


class ConnectionManager:
    """Knows the accepted connections, and checks the timeouts of each now and then.

    One timer serves all: a connection costs a check every few seconds and nothing else. Those few that wait
    for their client then are checked at each beat, so that each timeout ends in time: it is longer than those
    seconds. Those that are closed but still have bytes to write, because their client doesn't read, are
    checked too.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        min_data_rate: MinDataRate,
        shortest: float = MAX_CHECK_INTERVAL,
        reached: Reached = _nobody_hears,
    ) -> None:
        """`shortest`: seconds of the shortest timeout of a connection, beside that of `min_data_rate`.
        `reached` hears of each limit that a client has reached.
        """
        self.reached = reached
        self.min_data_rate = min_data_rate
        self._limiter = ConnectionLimiter(limits)
        self._connections: dict[ManagedConnection, str] = {}
        """With the address that each is counted for: on one from the edge it changes with each request."""
        self._beginning: dict[ManagedConnection, str] = {}
        """Those that wait for what precedes HTTP."""
        self._waiting: list[ManagedConnection] = []
        """Those that waited for their client at the last look."""
        self._timer: asyncio.TimerHandle | None = None
        self._all_due = 0.0
        """When all are looked at again, by the loop's clock."""
        self._interval = min(MAX_CHECK_INTERVAL, min_data_rate.seconds / 4, shortest / 4)

    @property
    def open_connections(self) -> list[Any]:
        """The accepted connections that have not gone."""
        return list(self._connections)

    def begin(self, connection: ManagedConnection) -> bool:
        """As `register`, of one that waits for TLS before: who does not go on takes up room, too.

        Who makes the connection bounds the time until then.
        """
        return connection in self._beginning or self._admit(connection, self._beginning)

    def register(self, connection: ManagedConnection) -> bool:
        """Whether the connection is accepted. Then it must `unregister` when it has gone."""
        if connection in self._beginning:
            self._connections[connection] = self._beginning.pop(connection)
        elif not self._admit(connection, self._connections):
            return False
        if self._timer is None:
            self._begin()
        return True

    def _admit(self, connection: ManagedConnection, others: dict[ManagedConnection, str]) -> bool:
        address = connection.address
        passed = self._limiter.acquire(address)
        if passed is not None:
            self.reached(passed, address)
            return False
        others[connection] = address
        return True

    def unregister(self, connection: ManagedConnection) -> None:
        """The connection has gone. One that was not accepted is not known."""
        for those in (self._connections, self._beginning):
            if connection in those:
                self._limiter.release(those.pop(connection))

    def _begin(self) -> None:
        self._all_due = asyncio.get_running_loop().time() + self._interval
        self._set_timer()

    def _set_timer(self) -> None:
        loop = asyncio.get_running_loop()
        left = max(0.0, self._all_due - loop.time())
        if self._waiting:
            left = min(left, until_beat())
        self._timer = loop.call_later(left, self._check_timeouts)

    def _check_timeouts(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        looked_at = [connection for connection in self._waiting if connection in self._connections]
        if now + TOLERANCE >= self._all_due:
            looked_at, self._all_due = list(self._connections), now + self._interval
        self._waiting = [connection for connection in looked_at if connection.check_timeouts(now)]
        if self._connections:
            self._set_timer()
