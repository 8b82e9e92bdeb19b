"""Bounds on time that hold on a machine that has other things to do now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

BRIEF = 1.0
"""Seconds that a store has for an answer where a test waits until they are over, and needs answers before. A
server that is well may take a few tenths of a second where others have the machine, too.
"""
BEAT = 0.01


async def mostly_within(
    seconds: float, measure: Callable[[], Awaitable[float]], *, good: int = 3, of: int = 7
) -> None:
    """Measures until `good` times were within the bound; fails when `of` measurements have too few.

    A pause of the machine spoils one measurement. What is slow by itself spoils most.
    """
    taken: list[float] = []
    while sum(time < seconds for time in taken) < good:
        assert len(taken) < of, f"mostly not within {seconds} s: {taken}"
        taken.append(await measure())


@dataclass
class Lag:
    """How long this process was kept waiting at most, which nobody asked to wait: a machine under load."""

    longest: float = 0.0
    """Seconds. What is measured meanwhile may be later by so much, and no fault of the gateway."""


@asynccontextmanager
async def lag_noted() -> AsyncIterator[Lag]:
    """Notes it while the block lasts."""
    lag = Lag()

    async def beat() -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(BEAT)
            lag.longest = max(lag.longest, time.monotonic() - begun - BEAT)

    task = asyncio.create_task(beat())
    try:
        yield lag
    finally:
        task.cancel()
