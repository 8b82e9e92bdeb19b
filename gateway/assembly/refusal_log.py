"""Puts the refusals of a worker into the store, from where any gateway tells them (`gatepost why`)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.runtime.beat import until_beat
from gateway.store import RefusalStore
from gateway.telemetry.refusals import Refusal, RefusalBuffer

log = logging.getLogger("gatepost")

INTERVAL = 1.0
"""Seconds between two writes."""


async def find_refusal(store: RefusalStore, request_id: str, clock: Clock) -> Refusal | None:
    """The refusal of a request of the last hour; None: none is known.

    Workers write what they refuse once a second: what is not there is looked for once more. Raises
    StoreUnavailable.
    """
    text = await store.find(request_id, clock())
    if text is None:
        await asyncio.sleep(1.5 * INTERVAL)
        text = await store.find(request_id, clock())
    return None if text is None else Refusal.from_json(text)


async def why(store: RefusalStore, clock: Clock, request_id: str) -> dict[str, Any] | None:
    """The same as JSON values, for `GET /why/ID`."""
    refusal = await find_refusal(store, request_id, clock)
    return None if refusal is None else asdict(refusal)


class RefusalLog:
    """Writes what the buffer has every `INTERVAL` seconds, and when it stops."""

    def __init__(self, buffer: RefusalBuffer, store: RefusalStore) -> None:
        self._buffer = buffer
        self._store = store
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._keep(), name="refusals")

    async def stop(self) -> None:
        """Writes what is left, if the store answers."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self.write()

    async def write(self) -> None:
        """Writes now. What the store does not take is lost: a refusal is told, not counted."""
        taken = self._buffer.take()
        try:
            await self._store.add([refusal.to_json() for refusal in taken])
        except StoreUnavailable as error:
            log.debug("%d refusals not kept for `gatepost why`: %s", len(taken), error.reason)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(until_beat(INTERVAL))
            await self.write()
