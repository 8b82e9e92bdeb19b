"""A connection's life, apart from what it carries: it is made, belongs to an owner, rests, and ends."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, cast

from gateway.upstream.deadline import Deadline
from gateway.upstream.settings import PoolSettings


class Owner(Protocol):
    """Keeps connections, and hears what becomes of them."""

    def released(self, connection: Any) -> None:
        """It is free for another exchange."""

    def lost(self, connection: Any) -> None:
        """It is of no further use. Called once."""


class Link(asyncio.Protocol):
    """A connection that an owner keeps while it is of use."""

    __slots__ = ("_deadline", "_keep_alive", "_loop", "_old_from", "_owner", "_transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Owner, settings: PoolSettings) -> None:
        self._loop = loop
        self._owner: Owner | None = owner
        self._keep_alive = settings.keep_alive
        self._old_from = loop.time() + settings.lifetime
        self._deadline = Deadline(loop, self._expired)
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)

    @property
    def open(self) -> bool:
        """It can still carry something."""
        return self._owner is not None and not self._transport.is_closing()

    def make_idle(self) -> None:
        """Offers the connection to its owner, and closes it if nobody uses it in time, or if it is old."""
        owner, now = self._owner, self._loop.time()
        if owner is None or now >= self._old_from or self._transport.is_closing():
            self.discard()
        else:
            self._deadline.at(now + self._keep_alive)
            owner.released(self)

    def discard(self) -> None:
        """Closes the connection and tells the owner, once."""
        owner, self._owner = self._owner, None
        self._deadline.cancel()
        if not self._transport.is_closing():
            self._transport.abort()
        if owner is not None:
            owner.lost(self)

    def _expired(self) -> None:
        """The time that was set is over."""
        self.discard()
