"""Whether a request that may not be repeated can go on a connection that was used before. Pure.

An upstream may close an idle connection at any time (RFC 9112 section 9.5). A request that is on its way then
is lost. An idempotent one is sent again on a new connection; for any other the client gets 502. So before
others go on reused connections, a server must show that it keeps connections open.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

PROOF: Final = 0.1
"""Seconds that an idle connection must have stayed open to show that the server keeps them open."""
PENALTY: Final = 10.0
"""Seconds in which nothing counts as proof, once the server has closed a connection early."""


class ReuseMode(Enum):
    """Which connections a request may be sent on."""

    ANY = "any"
    """Any: should it be lost, it is sent again."""
    CHECKED = "checked"
    """A used one only if the server keeps them open, and this one is open at that moment."""
    NEW = "new"
    """Only a new one."""


# Names of a module are found faster than members of a class, and every request needs one.
ANY: Final = ReuseMode.ANY
CHECKED: Final = ReuseMode.CHECKED
NEW: Final = ReuseMode.NEW


class ReusePolicy:
    """What is known of how long one server keeps idle connections open.

    Times are seconds of a clock that never goes back.
    """

    __slots__ = ("_not_before", "trusted")

    def __init__(self) -> None:
        self.trusted = False
        """The server keeps connections open."""
        self._not_before = 0.0

    def on_response(self, now: float) -> None:
        """A request on a reused connection got a response."""
        self._prove(now)

    def on_idle(self, idle_since: float, now: float) -> None:
        """A connection has been idle since then and is still open."""
        if now - idle_since >= PROOF:
            self._prove(now)

    def on_lost(self, now: float) -> None:
        """A reused connection was lost before a byte of the response."""
        self.trusted = False
        self._not_before = now + PENALTY

    def on_closed(self, idle_for: float, now: float) -> None:
        """The server closed a connection that had been idle for so many seconds."""
        if idle_for < PROOF:
            self.on_lost(now)

    def _prove(self, now: float) -> None:
        if now >= self._not_before:
            self.trusted = True
