"""Puts what the audit log has of the portal into the store as well, where the portal reads it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gateway.accounts.activity import ACTIONS, ActivityEntry
from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.oauth.model import Client
from gateway.runtime.beat import until_beat
from gateway.store.activity import ActivityStore

log = logging.getLogger("gatepost")

INTERVAL = 0.5
"""Seconds between two writes."""
MOST = 1000
"""Entries that wait for the store."""


class ActivityLog:
    """Takes entries at once, and writes them in order. What the store does not take is tried again."""

    def __init__(
        self,
        store: ActivityStore,
        find_client: Callable[[str], Awaitable[Client | None]],
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        """`find_client`: by id. Raises StoreUnavailable."""
        self._store = store
        self._find_client = find_client
        self._clock = clock
        self._random = random
        self._waiting: deque[ActivityEntry] = deque()
        self._task: asyncio.Task[None] | None = None

    def record(
        self,
        actor: str,
        action: str,
        target: str,
        application: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        """Takes what the audit log takes, if it is one of `ACTIONS`."""
        if action not in ACTIONS:
            return
        if len(self._waiting) >= MOST:
            log.error("the portal's activity lacks an entry, as the store does not take any: %s", action)
            return
        entry_id, now = self._random(8).hex(), self._clock()
        self._waiting.append(ActivityEntry(entry_id, now, actor, action, target, application, before, after))

    async def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._keep(), name="activity")

    async def stop(self) -> None:
        """Writes what is left, if the store answers. Also valid without a start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.write()
        if self._waiting:
            log.error("the portal's activity lacks %d entries", len(self._waiting))

    async def write(self) -> None:
        """Writes now."""
        try:
            while self._waiting:
                entry = await self._with_application(self._waiting[0])
                await self._store.add(entry.application, entry.to_json())
                self._waiting.popleft()
        except StoreUnavailable as error:
            log.debug("activity not written: %s", error.reason)

    async def _with_application(self, entry: ActivityEntry) -> ActivityEntry:
        """What has no record is about a client that is there still, such as the end of its tokens."""
        if entry.application or entry.before or entry.after or not entry.action.startswith("client."):
            return entry
        client = await self._find_client(entry.target)
        return entry if client is None else replace(entry, application=client.application)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(until_beat(INTERVAL))
            await self.write()
