"""The connections to one server: which are idle, who waits for one, when another is opened.

The pool itself does no I/O: it asks for a connection to be opened, and is told what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import UpstreamError, UpstreamUnavailable
from gateway.upstream.reuse_policy import ANY, CHECKED, ReuseMode, ReusePolicy
from gateway.upstream.settings import PoolSettings


class Waiter(Protocol):
    """Waits for a connection. Gets one of these calls, unless `Pool.leave` came first."""

    def on_connection(self, connection: UpstreamConnection) -> None:
        """Here it is; it must be used at once."""

    def on_no_connection(self, error: UpstreamError) -> None:
        """There will be none."""


class _Place(NamedTuple):
    """A waiter's place in the queue."""

    until: float
    reuse: ReuseMode


class Pool:
    """Keeps idle connections, last used first, and a queue of waiters, first come first served."""

    __slots__ = (
        "_closed",
        "_idle",
        "_loop",
        "_open",
        "_opening",
        "_released",
        "_resting",
        "_settings",
        "_start_opening",
        "_timer",
        "_waiting",
        "reuse",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: PoolSettings,
        start_opening: Callable[[], None],
    ) -> None:
        """`start_opening` begins to open a connection; `opened` or `not_opened` reports the result."""
        self._loop = loop
        self._settings = settings
        self._start_opening = start_opening
        self._idle: list[UpstreamConnection] = []
        self._released: list[UpstreamConnection] = []
        self._resting = 0  # released, but not yet to be used
        self._open: set[UpstreamConnection] = set()
        self._opening = 0
        self._waiting: dict[Waiter, _Place] = {}  # in order of arrival
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.reuse = ReusePolicy()
        """What the server does with idle connections."""

    def take(self, reuse: ReuseMode = ANY) -> UpstreamConnection | None:
        """An idle connection that may be used so, if there is one: the last used, the least likely stale."""
        if reuse is not ANY and not self._may_reuse(reuse):
            return None
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            if connection.open:
                self._idle.append(connection)  # the loop reads what there is, most likely its end
                return None
        return None

    def wait(self, waiter: Waiter, reuse: ReuseMode = ANY) -> None:
        """Puts a waiter into the queue and opens a connection for it, if there may be one more.

        Raises:
            UpstreamUnavailable: the queue is full.
        """
        queued = len(self._waiting) - self._opening - self._resting
        if self._closed or (queued >= self._settings.max_queue and not self._has_room()):
            raise UpstreamUnavailable("too many requests wait for a connection")
        self._waiting[waiter] = _Place(self._loop.time() + self._settings.queue_timeout, reuse)
        if self._timer is None:
            self._timer = self._loop.call_later(self._settings.queue_timeout, self._expire)
        self._open_more()

    def leave(self, waiter: Waiter) -> None:
        """Takes a waiter out of the queue; no harm if it has left."""
        self._waiting.pop(waiter, None)

    # What becomes of connections.

    def opened(self, connection: UpstreamConnection) -> None:
        """A connection that was asked for is established."""
        self._opening -= 1
        if self._closed:
            connection.abort()
            return
        self._open.add(connection)
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.on_connection(connection)
        elif connection.keep():
            self._idle.append(connection)

    def not_opened(self, error: UpstreamError) -> None:
        """A connection that was asked for could not be made: the first in the queue gets the error."""
        self._opening -= 1
        waiter = self._next_waiter()
        self._open_more()
        if waiter is not None:
            waiter.on_no_connection(error)

    def released(self, connection: UpstreamConnection) -> None:
        """A connection is idle: `take` may give it out again, which looks at its socket first.

        A request that waits gets it once the loop has turned. By then what came after the response has been
        read, and an upstream that closes after each response has often been found out.
        """
        if self._closed:
            connection.abort()
            return
        if not self._waiting:
            self._idle.append(connection)
            return
        self._resting += 1
        if not self._released:
            self._loop.call_soon(self._begin_turn)
        self._released.append(connection)

    def closed(self, connection: UpstreamConnection, idle_for: float | None = None) -> None:
        """A connection is closed, idle or in use. `idle_for`: the upstream closed it, idle for so long."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if idle_for is not None:
            self.reuse.on_closed(idle_for, self._loop.time())
        self._open_more()

    def close(self, *, at_once: bool = False) -> None:
        """Closes idle connections now and the others after their request, or all of them at once."""
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
        """Connections that are open or being opened."""
        return len(self._open) + self._opening

    # Released connections. Both event loops run what `call_soon` was given before they look at sockets again,
    # so it takes two calls for a turn.

    def _begin_turn(self) -> None:
        batch, self._released = self._released, []
        self._loop.call_soon(self._end_turn, batch)

    def _end_turn(self, batch: list[UpstreamConnection]) -> None:
        self._resting -= len(batch)
        for connection in batch:
            if connection.open:
                self._offer(connection)
        self._open_more()

    def _offer(self, connection: UpstreamConnection) -> None:
        """Gives a used connection to the first in the queue that may use it; else keeps it."""
        if self._closed:
            connection.abort()
            return
        waiter = self._reusing_waiter(connection) if self._waiting else None
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.on_connection(connection)

    def _reusing_waiter(self, connection: UpstreamConnection) -> Waiter | None:
        """The first in the queue that may use it.

        Those who need a new one are passed over only as far as one is being opened for each.
        """
        for passed_over, (waiter, place) in enumerate(self._waiting.items()):
            if place.reuse is ANY or (self._may_reuse(place.reuse) and connection.usable()):
                del self._waiting[waiter]
                return waiter
            if passed_over >= self._opening:
                return None
        return None

    def _may_reuse(self, reuse: ReuseMode) -> bool:
        if reuse is not CHECKED:
            return reuse is ANY
        policy = self.reuse
        if not policy.trusted and self._idle:
            policy.on_idle(self._idle[0].idle_since, self._loop.time())
        return policy.trusted

    # New connections.

    def _next_waiter(self) -> Waiter | None:
        for waiter in self._waiting:
            del self._waiting[waiter]
            return waiter
        return None

    def _open_more(self) -> None:
        while self._opening + self._resting < len(self._waiting) and not self._closed and self._make_room():
            self._opening += 1
            self._start_opening()

    def _has_room(self) -> bool:
        return bool(self._idle) or self.size < self._settings.max_connections

    def _make_room(self) -> bool:
        if self.size < self._settings.max_connections:
            return True
        # A request waits for a new connection although there are idle ones: the oldest makes way. While it is
        # not known whether the server keeps connections open, the oldest stays to show it: the next one goes.
        if self._idle:
            oldest = self._idle.pop(0 if self.reuse.trusted or len(self._idle) == 1 else 1)
            self._open.discard(oldest)
            oldest.abort()
        return self.size < self._settings.max_connections

    def _expire(self) -> None:
        """Sends away those whose time is over, but not the first, for whom connections are being opened."""
        self._timer = None
        now = self._loop.time()
        late = [
            waiter for waiter, place in list(self._waiting.items())[self._opening :] if place.until <= now
        ]
        for waiter in late:
            self._waiting.pop(waiter, None)
        if self._waiting:
            first = next(iter(self._waiting.values()))
            wait = max(first.until - now, self._settings.queue_timeout / 10)
            self._timer = self._loop.call_later(wait, self._expire)
        for waiter in late:
            waiter.on_no_connection(UpstreamUnavailable("no connection became free in time"))
