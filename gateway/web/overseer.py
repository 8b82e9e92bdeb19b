"""Stands at the door of a server: lets connections in, and ends those whose callers take too long."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from gateway.web.gate import Gate, GateLimits
from gateway.web.patience import Patience

MOST_BETWEEN_LOOKS = 5.0
"""Seconds."""


class Standing(Protocol):
    """A connection, as far as it is overseen."""

    @property
    def address(self) -> str:
        """The other end's IP address."""

    def look(self, now: float) -> None:
        """Ends itself where its caller has taken too long."""


class Overseer:
    """Keeps the connections that were let in, and looks at each now and then.

    One timer for all: a connection that behaves costs a look every few seconds and nothing else. Those that
    are closed but can't go, because their caller doesn't read the rest, are looked at too.
    """

    def __init__(self, limits: GateLimits, patience: Patience, shortest: float = MOST_BETWEEN_LOOKS) -> None:
        """`shortest`: seconds of the shortest time that a connection looks after beside its patience."""
        self.patience = patience
        self._gate = Gate(limits)
        self._standing: set[Standing] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._between = min(MOST_BETWEEN_LOOKS, patience.seconds / 4, shortest / 4)

    @property
    def standing(self) -> list[Any]:
        """The connections that were let in and have not gone."""
        return list(self._standing)

    def enter(self, connection: Standing) -> bool:
        """Whether the connection may stand. Whoever was let in must `leave`."""
        if not self._gate.enter(connection.address):
            return False
        self._standing.add(connection)
        if self._timer is None:
            self._set_timer()
        return True

    def leave(self, connection: Standing) -> None:
        """The connection is gone; of one that was not let in nothing is known."""
        if connection in self._standing:
            self._standing.remove(connection)
            self._gate.leave(connection.address)

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._between, self._look)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for connection in list(self._standing):
            connection.look(now)
        if self._standing:
            self._set_timer()
