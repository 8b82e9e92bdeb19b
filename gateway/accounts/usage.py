"""What each client of the portal's applications has done: tallied by each worker, settled into the store.

Clients of the file are not tallied: nobody would look at their pictures, and Prometheus has all in all.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from contextlib import suppress

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.oauth.values import Client, TokenFacts
from gateway.store.usage import CELLS, UsageStore

log = logging.getLogger("gatepost")

LIMITED = 429
CLASSES = (2, 3, 4, 5)
"""The first digits of statuses, in the order of their cells."""
LIMITS_HIT = 4
LATENCIES = (0.01, 0.05, 0.25, 1.0)
"""Upper bounds in seconds; one more cell is for what took longer."""
FIRST_LATENCY = 5
ISSUED, REFUSED = 10, 11
SETTLE = 2.0
"""Seconds from one settling to the next."""


class Tally:
    """What one worker has counted since it last settled: for each client a list of cells."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: dict[str, list[int]] = {}

    def call(self, caller: TokenFacts, status: int, seconds: float, *, own: bool = False) -> None:
        """A caller with a token was answered; `own`: by the gateway itself, not by an upstream."""
        if caller.source != "store":
            return
        cells = self._of(caller.client)
        cells[min(max(status // 100, 2), 5) - 2] += 1
        cells[FIRST_LATENCY + bisect_left(LATENCIES, seconds)] += 1
        if own and status == LIMITED:
            cells[LIMITS_HIT] += 1

    def token(self, client: Client | None, issued: bool) -> None:
        """A client that has proved itself got a token, or was refused one."""
        if client is not None and client.source == "store":
            self._of(client.id)[ISSUED if issued else REFUSED] += 1

    def take(self) -> dict[str, list[int]]:
        """All that was counted; the tally begins anew."""
        taken, self._cells = self._cells, {}
        return taken

    def give_back(self, client_id: str, cells: list[int]) -> None:
        """What could not be settled."""
        mine = self._of(client_id)
        for index, number in enumerate(cells):
            mine[index] += number

    def _of(self, client_id: str) -> list[int]:
        cells = self._cells.get(client_id)
        if cells is None:
            cells = self._cells[client_id] = [0] * CELLS
        return cells


class UsageKeeper:
    """Settles a worker's tally into the store every `SETTLE` seconds, and when it stops."""

    def __init__(self, tally: Tally, store: UsageStore, clock: Clock) -> None:
        self.tally = tally
        self._store = store
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to settle."""
        self._task = asyncio.create_task(self._keep(), name="usage")

    async def stop(self) -> None:
        """Settles what is left, if the store answers."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self.settle()

    async def settle(self) -> None:
        """Settles now. What the store does not take is kept for the next time."""
        now = self._clock()
        taken = self.tally.take()
        for client_id, cells in taken.items():
            try:
                await self._store.add(client_id, cells, now)
            except StoreUnavailable as error:
                log.debug("usage not settled: %s", error.reason)
                self.tally.give_back(client_id, cells)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(SETTLE)
            await self.settle()
