"""Keeps one worker's limits: settles them with the store in the background, and hears of the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from gateway.clock import Clock, system_clock
from gateway.errors import StoreUnavailable
from gateway.limits.bucket import Bucket, Window
from gateway.limits.ledger import Ledger
from gateway.store.limits import Entry, News, Settled

log = logging.getLogger("gatepost")

GAP = 0.005
"""Seconds between two questions to the store, at least, however many keys wait."""
LOOK = 0.25
"""Seconds between two looks at what is idle."""
BEAT = 1.0
"""Seconds between two signs of life."""
PATIENCE = 0.25
"""Seconds without an answer after which the store counts as away."""


class Shared(Protocol):
    """Where all workers settle (`gateway.store.limits.LimitStore`)."""

    async def settle(self, worker: str, entries: list[Entry]) -> Settled:
        """One round trip. Raises StoreUnavailable."""

    async def leave(self, worker: str) -> None:
        """The worker is gone. Raises StoreUnavailable."""

    async def listen(self, news: News, ready: Callable[[], None]) -> None:
        """Hands news on from `ready` on, until it is cancelled."""


class Limits:
    """What plugins limit with. `take` never waits; without a store each worker keeps to its own share."""

    def __init__(
        self,
        store: Shared | None = None,
        clock: Clock = system_clock,
        tick: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._tick = tick
        self._offset = clock() - tick()
        self._worker = secrets.token_hex(6)
        self._ledger = Ledger()
        self._users = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._sleeps_until = 0.0
        self._lost = store is None
        self._asked_at: float | None = None
        self._last_beat = 0.0

    def now(self) -> float:
        """The store's time, as all workers count by it."""
        return self._tick() + self._offset

    @property
    def away(self) -> bool:
        """Whether the store can't be reached, as far as is known."""
        return self._lost or (self._asked_at is not None and self._tick() - self._asked_at > PATIENCE)

    def find(self, name: str, subject: str, window: Window, now: float | None = None) -> Bucket:
        """The bucket of a subject, such as a client's id, under the limit of that name.

        Who asks more than one thing of a moment says what time it is.
        """
        return self._ledger.find(name, subject, window, self.now() if now is None else now)

    def take(self, bucket: Bucket, now: float | None = None) -> bool:
        """Uses one, if there is one left."""
        ledger = self._ledger
        admitted = ledger.take(bucket, self.now() if now is None else now, away=self.away)
        if ledger.next < self._sleeps_until:
            self._wake.set()
        return admitted

    def put_back(self, bucket: Bucket) -> None:
        """Undoes the last `take`, or returns what comes back."""
        now = self.now()
        bucket.put_back(now)
        self._ledger.note(bucket, now, urgent=False)

    async def start(self) -> None:
        """Each plugin that uses limits starts and stops them; they run as long as one does."""
        self._users += 1
        if self._users > 1 or self._store is None:
            return
        listening = asyncio.Event()
        hearing = self._store.listen(self._hear, listening.set)
        self._tasks = [asyncio.create_task(hearing, name="news of limits")]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await listening.wait()
        # With the first answer it is known how many workers there are; who comes later is heard of.
        await self._settle([])
        self._ledger.began = self.now()
        self._tasks.append(asyncio.create_task(self._keep(), name="limits"))

    async def stop(self) -> None:
        """After the last user it gives back what it has on loan."""
        last, self._users = self._users == 1, max(0, self._users - 1)
        if not last or self._store is None:
            return
        await asyncio.gather(*(_ended(task) for task in self._tasks))
        self._ledger.give_all_back()
        with contextlib.suppress(StoreUnavailable):
            while not self.away and (batch := self._ledger.batch(self.now())):
                await self._settle(batch)
            await self._store.leave(self._worker)

    async def _keep(self) -> None:
        while True:
            await self._sleep()
            now = self.now()
            self._ledger.look_around(now)
            batch = self._ledger.batch(now)
            if batch or now >= self._last_beat + BEAT:
                await self._settle(batch)
                await asyncio.sleep(GAP)

    async def _sleep(self) -> None:
        self._ledger.plan()
        now = self.now()
        until = min(self._ledger.next, now + LOOK)
        if until <= now:
            return
        self._wake.clear()
        self._sleeps_until = until
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until - now):
                await self._wake.wait()
        self._sleeps_until = 0.0

    async def _settle(self, batch: list[tuple[Bucket, Entry]]) -> None:
        assert self._store is not None  # noqa: S101 (for mypy: there is no task without one)
        self._asked_at = self._tick()
        try:
            settled = await self._store.settle(self._worker, [entry for _, entry in batch])
        except StoreUnavailable:
            self._lost = True
            self._ledger.failed(batch, self.now())
        except BaseException as error:
            if isinstance(error, Exception):
                log.exception("limits could not be settled")
            self._lost = self._lost or isinstance(error, Exception)
            self._ledger.failed(batch, self.now())
            if not isinstance(error, Exception):
                raise
        else:
            self._lost = False
            self._offset = settled.now - self._tick()
            self._ledger.settle(batch, settled, self.now())
        finally:
            self._asked_at = None
            self._last_beat = self.now()

    def _hear(self, workers: int, news: list[tuple[str, int]]) -> None:
        self._ledger.hear(workers, news, self.now())


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancels a task until it has ended: redis-py swallows a cancellation that comes while it connects."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
