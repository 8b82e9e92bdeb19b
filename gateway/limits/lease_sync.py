"""The limits of one worker: settled with the store in the background."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Generator
from time import monotonic
from typing import Any, Protocol

from gateway.clock import Clock, system_clock
from gateway.errors import StoreUnavailable
from gateway.limits.lease_table import LeaseTable
from gateway.limits.rate_bucket import PendingTake, RateBucket, Window
from gateway.runtime.beat import until_beat
from gateway.store.limits import LeaseEntry, LeaseSettlement, News

log = logging.getLogger("gatepost")

MIN_SETTLE_INTERVAL = 0.005
"""Minimum seconds between two settlements, however many keys wait."""
IDLE_CHECK_INTERVAL = 0.4
"""Seconds between two checks for idle leases."""
HEARTBEAT_INTERVAL = 1.0
"""Seconds between two heartbeats to the store."""
STORE_TIMEOUT = 0.25
"""Seconds without an answer after which the store counts as unreachable."""
MAX_DECISION_TIMEOUTS = 4
"""A request waits at most so many times `STORE_TIMEOUT`, for leases that other workers return."""
CLOCK_RESOLUTION = 0.001
"""Seconds: the store's time has milliseconds."""


class SharedLimits(Protocol):
    """The state that all workers share (`gateway.store.limits.LimitStore`)."""

    async def settle(self, worker: str, entries: list[LeaseEntry]) -> LeaseSettlement:
        """One round trip. Raises StoreUnavailable."""

    async def leave(self, worker: str) -> None:
        """Unregisters a worker. Raises StoreUnavailable."""

    async def listen(self, news: News, ready: Callable[[], None]) -> None:
        """Calls `news` for each published change, after `ready`, until it is cancelled."""


class Limits:
    """The limits, as plugins use them. Without a store each worker enforces its share of each limit."""

    def __init__(
        self,
        store: SharedLimits | None = None,
        clock: Clock = system_clock,
        tick: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._tick = tick
        self._offset = clock() - tick()
        self._clock_error = 0.0  # seconds that `now` may be behind the store's time; never ahead
        self._worker = secrets.token_hex(6)
        self._lease_table = LeaseTable()
        self._users = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._sleeps_until = 0.0
        self._lost = store is None
        self._asked_at: float | None = None
        self._last_beat = 0.0

    def now(self) -> float:
        """The store's time, in seconds, which all workers use."""
        return self._tick() + self._offset

    @property
    def away(self) -> bool:
        """Whether the store is unreachable, as far as is known."""
        return self._lost or (self._asked_at is not None and self._tick() - self._asked_at > STORE_TIMEOUT)

    def find(self, name: str, subject: str, window: Window, now: float | None = None) -> RateBucket:
        """The bucket of a subject, such as a client's id, under the limit of that name.

        `now` saves a call of the clock.
        """
        return self._lease_table.find(name, subject, window, self.now() if now is None else now)

    def take(self, bucket: RateBucket, now: float | None = None) -> bool | Awaitable[float | None]:
        """Takes one, if any is left.

        Returns an awaitable where the store must decide: the time at which it was taken, or None.
        """
        if now is None:
            now = self.now()
        if self.take_leased(bucket, now):
            return True
        admitted = self._lease_table.take_unleased(bucket, now, away=self.away)
        self._wake_up()
        return Deferred(lambda: self._ask(bucket)) if admitted is None else admitted

    def take_leased(self, bucket: RateBucket, now: float) -> bool:
        """Takes one of what is leased, if there is any: of that the worker decides by itself."""
        table = self._lease_table
        if not table.take_leased(bucket, now):
            return False
        if table.next < self._sleeps_until:
            self._wake.set()
        return True

    def put_back(self, bucket: RateBucket, taken_at: float) -> None:
        """Returns one that was taken at `taken_at`: to undo it, or since its request has ended."""
        self._lease_table.put_back(bucket, self.now(), taken_at)
        self._wake_up()

    async def _ask(self, bucket: RateBucket) -> float | None:
        """Waits for the store's decision."""
        decision: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        now = self.now()
        pending = PendingTake(now + self._clock_error, decision.set_result)
        self._lease_table.wait(bucket, pending, now)
        self._wake_up()
        try:
            for _ in range(MAX_DECISION_TIMEOUTS):
                await asyncio.wait((decision,), timeout=STORE_TIMEOUT)
                if decision.done():
                    return decision.result()
                if self.away:
                    now = self.now()
                    return now if self._lease_table.take(bucket, now, away=True) else None
            return None  # the rest is leased by a worker that has died
        except asyncio.CancelledError:
            if decision.done() and (taken_at := decision.result()) is not None:
                self.put_back(bucket, taken_at)
            raise
        finally:
            with contextlib.suppress(ValueError):
                bucket.waiting.remove(pending)

    def _wake_up(self) -> None:
        if self._lease_table.next < self._sleeps_until:
            self._wake.set()

    async def start(self) -> None:
        """Called by each plugin that uses limits; they run until the last one has called `stop`."""
        self._users += 1
        if self._users > 1 or self._store is None:
            return
        listening = asyncio.Event()
        listener = self._store.listen(self._on_news, listening.set)
        self._tasks = [asyncio.create_task(listener, name="published limits")]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STORE_TIMEOUT):
                await listening.wait()
        # The first answer has the number of workers; later changes are published.
        await self._settle([])
        self._tasks.append(asyncio.create_task(self._keep(), name="limits"))

    async def stop(self) -> None:
        """The last call returns all leases."""
        last, self._users = self._users == 1, max(0, self._users - 1)
        if not last or self._store is None:
            return
        await asyncio.gather(*(_ended(task) for task in self._tasks))
        self._lease_table.give_all_back()
        with contextlib.suppress(StoreUnavailable):
            while not self.away and (batch := self._lease_table.batch(self.now())):
                await self._settle(batch)
            await self._store.leave(self._worker)

    async def _keep(self) -> None:
        while True:
            await self._sleep()
            now = self.now()
            self._lease_table.schedule_idle_and_expiring(now)
            batch = self._lease_table.batch(now)
            if batch or now >= self._last_beat + HEARTBEAT_INTERVAL:
                await self._settle(batch)
                await asyncio.sleep(MIN_SETTLE_INTERVAL)

    async def _sleep(self) -> None:
        self._lease_table.plan()
        now = self.now()
        until = min(self._lease_table.next, now + until_beat(IDLE_CHECK_INTERVAL))
        if until <= now:
            return
        self._wake.clear()
        self._sleeps_until = until
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until - now):
                await self._wake.wait()
        self._sleeps_until = 0.0

    async def _settle(self, batch: list[tuple[RateBucket, LeaseEntry]]) -> None:
        assert self._store is not None  # noqa: S101 (for mypy: there is no task without one)
        self._asked_at = self._tick()
        try:
            settled = await self._store.settle(self._worker, [entry for _, entry in batch])
        except StoreUnavailable:
            self._lost = True
            self._lease_table.failed(batch, self.now())
        except BaseException as error:
            if isinstance(error, Exception):
                log.exception("limits could not be settled")
            self._lost = self._lost or isinstance(error, Exception)
            self._lease_table.failed(batch, self.now())
            if not isinstance(error, Exception):
                raise
        else:
            self._lost = False
            answered_at = self._tick()
            self._offset = settled.now - answered_at
            self._clock_error = answered_at - self._asked_at + CLOCK_RESOLUTION
            self._lease_table.settle(batch, settled, self.now())
        finally:
            self._asked_at = None
            self._last_beat = self.now()

    def _on_news(self, workers: int, news: list[tuple[str, int, str]]) -> None:
        others = [(key, left, by not in ("", self._worker)) for key, left, by in news]
        self._lease_table.on_news(workers, others, self.now())
        self._wake_up()


class Deferred:
    """A coroutine that is created when it is awaited: if it never is, there is no warning and no effect."""

    __slots__ = ("_begin",)

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._begin().__await__()


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancels a task until it has ended: redis-py swallows a cancellation that comes while it connects."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
