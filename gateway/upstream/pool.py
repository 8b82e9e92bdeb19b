"""The connections to one server: which are free, who waits for one, when another is opened.

The pool itself does no I/O: it says that a connection shall be opened, and is told what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamError, UpstreamUnavailable
from gateway.upstream.settings import PoolSettings


class Waiter(Protocol):
    """Someone who waits for a connection. Hears of it once, unless `Pool.leave` came first."""

    def on_connection(self, connection: UpstreamConnection) -> None:
        """Here it is; it must be used at once."""

    def on_no_connection(self, error: UpstreamError) -> None:
        """There will be none."""


class Pool:
    """Keeps free connections, last used first, and a line of waiters, first come first served."""

    __slots__ = (
        "_closed",
        "_idle",
        "_loop",
        "_open",
        "_opening",
        "_settings",
        "_start_opening",
        "_timer",
        "_waiting",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: PoolSettings,
        start_opening: Callable[[], None],
    ) -> None:
        """`start_opening` begins to open a connection; `opened` or `not_opened` tells how it went."""
        self._loop = loop
        self._settings = settings
        self._start_opening = start_opening
        self._idle: list[UpstreamConnection] = []
        self._open: set[UpstreamConnection] = set()
        self._opening = 0
        self._waiting: dict[Waiter, float] = {}  # in order of arrival, with the time each gives up
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self) -> UpstreamConnection | None:
        """A free connection, if there is one: the one used last, as it is the least likely to be stale."""
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        return None

    def wait(self, waiter: Waiter) -> None:
        """Puts someone in the line and opens a connection for them, if there may be one more.

        Raises:
            UpstreamUnavailable: the line is full.
        """
        if len(self._waiting) - self._opening >= self._settings.max_queue or self._closed:
            raise UpstreamUnavailable("too many requests wait for a connection")
        self._waiting[waiter] = self._loop.time() + self._settings.queue_timeout
        if self._timer is None:
            self._timer = self._loop.call_later(self._settings.queue_timeout, self._expire)
        self._open_more()

    def leave(self, waiter: Waiter) -> None:
        """Takes someone out of the line; no harm if they have left it."""
        self._waiting.pop(waiter, None)

    def opened(self, connection: UpstreamConnection) -> None:
        """A connection that was asked for stands."""
        self._opening -= 1
        if self._closed:
            connection.abort()
            return
        self._open.add(connection)
        connection.make_idle()

    def not_opened(self, error: UpstreamError) -> None:
        """A connection that was asked for could not be made: the one who waits longest hears of it."""
        self._opening -= 1
        waiter = self._next_waiter()
        self._open_more()
        if waiter is not None:
            waiter.on_no_connection(error)

    def released(self, connection: UpstreamConnection) -> None:
        """A connection is free: for the first in the line, else for later."""
        if self._closed:
            connection.abort()
            return
        waiter = self._next_waiter() if self._waiting else None
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.on_connection(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection is gone, free or in use."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_more()

    def close(self, *, at_once: bool = False) -> None:
        """Closes free connections now and the others after their exchange, or all of them at once."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (waiter := self._next_waiter()) is not None:
            waiter.on_no_connection(UpstreamUnavailable("the gateway is stopping"))
        for connection in list(self._open if at_once else self._idle):
            connection.fail(UpstreamUnavailable("the gateway is stopping"))

    @property
    def size(self) -> int:
        """Connections that stand or are being made."""
        return len(self._open) + self._opening

    def _next_waiter(self) -> Waiter | None:
        for waiter in self._waiting:
            del self._waiting[waiter]
            return waiter
        return None

    def _open_more(self) -> None:
        while self._opening < len(self._waiting) and not self._closed and self._make_room():
            self._opening += 1
            self._start_opening()

    def _make_room(self) -> bool:
        if self.size < self._settings.max_connections:
            return True
        # Someone waits for a fresh connection although there are free ones: the oldest makes way.
        if self._idle:
            oldest = self._idle.pop(0)
            self._open.discard(oldest)
            oldest.abort()
        return self.size < self._settings.max_connections

    def _expire(self) -> None:
        """Sends away those whose time is over, but not the first, for whom connections are being made."""
        self._timer = None
        now = self._loop.time()
        late = [waiter for waiter, until in list(self._waiting.items())[self._opening :] if until <= now]
        for waiter in late:
            self._waiting.pop(waiter, None)
        if self._waiting:
            first = next(iter(self._waiting.values()))
            wait = max(first - now, self._settings.queue_timeout / 10)
            self._timer = self._loop.call_later(wait, self._expire)
        for waiter in late:
            waiter.on_no_connection(UpstreamUnavailable("no connection became free in time"))
