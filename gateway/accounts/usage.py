"""Usage of the clients of the portal's applications: counted by each worker, written to the store.

Clients of gateway.yaml are not counted: no page shows them, and Prometheus has the totals.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from contextlib import suppress

from gateway.accounts.call_watch import CallWatch
from gateway.accounts.calls import CallRecorder
from gateway.accounts.key_uses import KeyUses
from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.oauth.model import Client, TokenInfo
from gateway.runtime.beat import until_beat
from gateway.store.usage import CELLS, UsageStore

log = logging.getLogger("gatepost")

LIMITED = 429
CLASSES = (2, 3, 4, 5)
"""Status classes, in the order of their cells."""
LIMITS_HIT = 4
LATENCIES = (0.01, 0.05, 0.25, 1.0)
"""Upper bounds in seconds; one more cell is for longer ones."""
FIRST_LATENCY = 5
ISSUED, REFUSED = 10, 11
WRITE_INTERVAL = 2.0
"""Seconds between two writes."""


class UsageCounter:
    """The counts of one worker since its last write: for each client a list of cells."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: dict[str, list[int]] = {}

    def call(self, caller: TokenInfo, status: int, seconds: float, *, own: bool = False) -> None:
        """Counts a response to a request with a token; `own`: from the gateway itself, not an upstream."""
        if caller.source != "store":
            return
        cells = self._of(caller.client)
        cells[min(max(status // 100, 2), 5) - 2] += 1
        cells[FIRST_LATENCY + bisect_left(LATENCIES, seconds)] += 1
        if own and status == LIMITED:
            cells[LIMITS_HIT] += 1

    def token(self, client: Client | None, issued: bool) -> None:
        """Counts a token response to a client, or to who claimed to be it."""
        if client is not None and client.source == "store":
            self._of(client.id)[ISSUED if issued else REFUSED] += 1

    def take(self) -> dict[str, list[int]]:
        """Returns all counts and resets them."""
        taken, self._cells = self._cells, {}
        return taken

    def give_back(self, client_id: str, cells: list[int]) -> None:
        """Adds counts that could not be written."""
        mine = self._of(client_id)
        for index, number in enumerate(cells):
            mine[index] += number

    def _of(self, client_id: str) -> list[int]:
        cells = self._cells.get(client_id)
        if cells is None:
            cells = self._cells[client_id] = [0] * CELLS
        return cells


class UsageRecorder:
    """Writes a worker's counts to the store every `WRITE_INTERVAL` seconds, and when it stops."""

    def __init__(
        self,
        tally: UsageCounter,
        store: UsageStore,
        clock: Clock,
        key_uses: KeyUses | None = None,
        calls: CallRecorder | None = None,
    ) -> None:
        """`key_uses` and `calls` are written with the counts."""
        self.tally = tally
        self._calls = calls
        self._key_uses = key_uses
        self._store = store
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def watch(self, watch: CallWatch | None) -> None:
        """Has the calls looked at once they are written, where they are noted at all."""
        if self._calls is not None:
            self._calls.watch = watch

    async def start(self) -> None:
        """Starts writing."""
        self._task = asyncio.create_task(self._keep(), name="usage")

    async def stop(self) -> None:
        """Stops, and writes the rest if the store answers."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self.settle()

    async def settle(self) -> None:
        """Writes now. What the store does not take is kept for the next time."""
        if self._calls is not None:
            await self._calls.settle()
        if self._key_uses is not None:
            await self._key_uses.settle()
        now = self._clock()
        taken = self.tally.take()
        for client_id, cells in taken.items():
            try:
                await self._store.add(client_id, cells, now)
            except StoreUnavailable as error:
                log.debug("usage not settled: %s", error.reason)
                self.tally.give_back(client_id, cells)
        if self._calls is not None:
            await self._calls.look()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(until_beat(WRITE_INTERVAL))
            await self.settle()
