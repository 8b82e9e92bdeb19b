"""Puts notices into the store, from where one process sends them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.notices.events import OF_APPLICATIONS, PortalEvent, events_of
from gateway.store.notices import APPLICATION, NoticeStore, QueuedNotice

log = logging.getLogger("gatepost")

MOST = 1000
"""Notices that wait for the store."""
RETRY = 1.0
"""Seconds between two tries to write."""

Wanted = Callable[[QueuedNotice], Awaitable[bool]]
"""Whether somebody wants a notice for an application's own webhook. Raises StoreUnavailable."""


class NoticeOutbox:
    """Hears of changes, and writes what is to be told. What the store does not take is tried again."""

    def __init__(
        self,
        store: NoticeStore,
        events: Collection[str],
        receivers: Sequence[str],
        clock: Clock,
        random: Callable[[int], bytes],
        wanted: Wanted | None = None,
    ) -> None:
        """`receivers`: e-mail addresses, and an empty text for the webhook. Each gets its own notice.
        `wanted`: whether a notice for an application's own webhook is for anybody; None: there are none.
        """
        self._store = store
        self._events = frozenset(events)
        self._receivers = tuple(receivers)
        self._clock = clock
        self._random = random
        self._wanted = wanted
        self._waiting: deque[QueuedNotice] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def heard(self, action: str, target: str, before: object | None, after: object | None) -> None:
        """Takes a change of the store (`gateway.store.change_listener`)."""
        for event in events_of(action, target, before, after):
            self.put(event)

    def wants(self, event: str) -> bool:
        """Whether such events are told."""
        return event in self._events or (self._wanted is not None and event in OF_APPLICATIONS)

    def put(self, event: PortalEvent) -> None:
        """Takes an event, if it is one of those that are told."""
        if event.type in self._events:
            for receiver in self._receivers:
                self._put(event, receiver)
        if self._wanted is not None and event.application and event.type in OF_APPLICATIONS:
            self._put(event, APPLICATION + event.application)

    def _put(self, event: PortalEvent, receiver: str) -> None:
        if len(self._waiting) >= MOST:
            log.error("a notice is lost, as the store does not take any: %s", event.type)
            return
        now = self._clock()
        notice_id = f"msg_{self._random(16).hex()}"
        self._waiting.append(QueuedNotice(notice_id, event.body(now), int(now), int(now), to=receiver))
        self._wake.set()

    async def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._keep(), name="notices outbox")

    async def stop(self) -> None:
        """Writes what is left, if the store answers."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        try:
            await self.write()
        except StoreUnavailable as error:
            log.error("%d notices are lost: %s", len(self._waiting), error.reason)

    async def write(self) -> None:
        """Writes now. Raises StoreUnavailable: then what is left is still here."""
        while self._waiting:
            notice = self._waiting[0]
            # Its id is kept: who asks again after a lost answer writes the same one.
            if await self._is_for_nobody(notice):
                self._waiting.popleft()
                continue
            if not await self._store.add(notice):
                log.error("a notice is lost, as too many wait to be sent: %s", notice.id)
            self._waiting.popleft()

    async def _is_for_nobody(self, notice: QueuedNotice) -> bool:
        return notice.of_application and self._wanted is not None and not await self._wanted(notice)

    async def _keep(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.write()
            except StoreUnavailable:
                await asyncio.sleep(RETRY)
                self._wake.set()
