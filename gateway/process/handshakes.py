"""Accepted connections that wait for their client: before TLS or HTTP begins, or in the TLS handshake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from gateway.server.tls_transport import TlsTransport

log = logging.getLogger("gatepost")

_INTERVAL = 1.0
"""Seconds."""


class _FailureLog:
    """Says why handshakes fail: at once, but no more than a line a second."""

    def __init__(self) -> None:
        self._quiet_until = 0.0
        self._untold = 0

    def failed(self, address: str, reason: str) -> None:
        """A handshake with this address has failed."""
        now = monotonic()
        if now < self._quiet_until:
            self._untold += 1
            return
        others = f" (and {self._untold} others since the last one told)" if self._untold else ""
        self._quiet_until, self._untold = now + _INTERVAL, 0
        log.info("TLS handshake with %s failed: %s%s", address, reason, others)


class Handshakes:
    """Those of one acceptor.

    One timer bounds all TLS handshakes: they began in the order in which their time is over.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float | None, too_slow: Callable[[str], None]
    ) -> None:
        """`seconds`: for a TLS handshake; None: as long as it takes. `too_slow`: see `Acceptor`."""
        self._loop = loop
        self._seconds = seconds
        self._too_slow = too_slow
        self._preambles = set[asyncio.Task[None]]()
        self._handshakes: dict[TlsTransport, tuple[float, str]] = {}
        """When the time of each is over, and its client's address."""
        self._timer: asyncio.TimerHandle | None = None
        self._none_left = asyncio.Event()
        self._failures = _FailureLog()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._preambles or self._handshakes)

    def add_preamble(self, task: asyncio.Task[None]) -> None:
        """One more, of which `task` reads what comes before HTTP and TLS."""
        self._preambles.add(task)
        task.add_done_callback(self._preamble_over)

    def _preamble_over(self, task: asyncio.Task[None]) -> None:
        self._preambles.discard(task)
        self._one_less()

    def add(self, transport: TlsTransport, address: str) -> None:
        """One more, whose TLS handshake begins."""
        seconds = self._seconds
        if seconds is None:
            self._handshakes[transport] = (0.0, address)
            return
        self._handshakes[transport] = (self._loop.time() + seconds, address)
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._end_slow_ones)

    def discard(self, transport: TlsTransport) -> None:
        """Its handshake is over, one way or another."""
        known = self._handshakes.pop(transport, None)
        if known is not None and transport.problem:
            self._failures.failed(known[1], transport.problem)
        self._one_less()

    def _end_slow_ones(self) -> None:
        self._timer = None
        now = self._loop.time()
        for transport, (until, address) in list(self._handshakes.items()):
            if until > now:
                self._timer = self._loop.call_at(until, self._end_slow_ones)
                return
            transport.abort()
            self.discard(transport)
            self._too_slow(address)

    def _one_less(self) -> None:
        if not self:
            self._none_left.set()

    async def finish(self, seconds: float) -> None:
        """Waits until there are none; they have `seconds`."""
        if not self:
            return
        self._none_left.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none_left.wait()

    def abort(self) -> None:
        """Ends those that wait for their client."""
        for task in self._preambles:
            task.cancel()
        for transport in list(self._handshakes):
            transport.abort()
