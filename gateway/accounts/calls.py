"""What a worker notes of the calls of the portal's clients, until it is written with the counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gateway.accounts.key_uses import LAST_CALL, KeyUses
from gateway.clock import Clock


class CallPeer(Protocol):
    """Who sent a request (`gateway.http.exchange.Peer`)."""

    @property
    def address(self) -> str:
        """The client's address."""


class CallHead(Protocol):
    """A request's head (`gateway.http.exchange.RequestHead`)."""

    @property
    def method(self) -> str:
        """As it came."""

    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]:
        """As they came."""

    @property
    def peer(self) -> CallPeer:
        """Who sent it."""


class CallLog:
    """The last call of each client since the last write. What is worked out of it waits until then."""

    __slots__ = ("_clock", "_last")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, tuple[float, CallHead]] = {}

    def note(self, client_id: str, head: CallHead) -> None:
        """A call was answered."""
        self._last[client_id] = (self._clock(), head)

    def hand_over(self, uses: KeyUses) -> None:
        """Tells `uses` of the last calls, and forgets them."""
        taken, self._last = self._last, {}
        for client_id, (time, head) in taken.items():
            uses.note(client_id, LAST_CALL, head.peer.address, head.headers, time)
