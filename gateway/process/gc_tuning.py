"""Garbage collector settings of a worker."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.runtime.gc_pause import paused_gc

SWITCH_INTERVAL = 0.001
"""Seconds after which a thread that prepares a reload gives way to the event loop; 0.005 by default."""
MANY = 50_000
"""Objects that a collection looks through in a few milliseconds: a configuration of a thousand routes."""
IDLE_PERIOD = 1.0
"""Seconds for which a worker must have had next to nothing to do."""
IDLE_SHARE = 0.01
"""The most CPU time of that, in parts of it: timers alone take less."""
LONGEST_WAIT = 600.0
"""Seconds after which a worker that is always busy stops for a collection nevertheless."""
GEN0_THRESHOLD = 10_000
"""Net allocations that trigger a collection of generation 0.

Requests and connections leave no reference cycles, so their objects are freed by reference counting. Python's
default of 700 would scan requests in flight over and over. The cycles of aiohttp and of templates are few.
"""


def freeze_gc() -> None:
    """Excludes all objects alive now from collection (`gc.freeze`) and raises the threshold."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GEN0_THRESHOLD, 10, 10)


@contextmanager
def beside_requests() -> Iterator[None]:
    """While threads prepare a configuration, requests wait for neither them nor a collection for long."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with paused_gc():
            yield
    finally:
        sys.setswitchinterval(interval)


def collect_all() -> None:
    """Collects what was excluded, too, and excludes what is left.

    With 10,000 routes and 8,000 clients that takes some tenths of a second.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class IdleCollector:
    """Keeps a large new configuration from being looked through while requests wait, at a reload.

    What is left of earlier ones is then collected when there is nothing else to do.
    """

    def __init__(
        self,
        cpu_time: Callable[[], float] = time.process_time,
        collect: Callable[[], None] = collect_all,
        *,
        period: float = IDLE_PERIOD,
    ) -> None:
        """`cpu_time`: seconds that this process has used. `period`: seconds, see `IDLE_PERIOD`."""
        self._cpu_time = cpu_time
        self._collect = collect
        self._period = period
        self._task: asyncio.Task[None] | None = None
        self._excluded = False

    def exclude(self) -> None:
        """Before collection goes on: excludes what was made meanwhile from it, if that is much."""
        if gc.get_count()[0] >= MANY:
            gc.freeze()
            self._excluded = True

    def begin(self) -> None:
        """Something that was excluded is no longer in use: waits for a moment to collect it."""
        if self._excluded and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """The process ends."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        for _ in range(round(LONGEST_WAIT / IDLE_PERIOD)):
            before = self._cpu_time()
            await asyncio.sleep(self._period)
            if self._cpu_time() - before <= IDLE_SHARE * self._period:
                break
        self._collect()
