"""Puts notices into the store, from where one process sends them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.notices.events import KIND_OF, OF_APPLICATIONS, PortalEvent, events_of
from gateway.store.notices import APPLICATION, PERSON, NoticeStore, QueuedNotice

log = logging.getLogger("gatepost")

MOST = 1000
"""Notices that wait for the store."""
RETRY = 1.0
"""Seconds between two tries to write."""

Wanted = Callable[[QueuedNotice], Awaitable[bool]]
"""Whether somebody wants a notice for an application's own webhook. Raises StoreUnavailable."""
PeopleOf = Callable[[QueuedNotice], Awaitable[Sequence[str]]]
"""The ids of the people who want a notice at their own e-mail addresses. Raises StoreUnavailable."""
OWNERS, ONE = "owners:", "one:"
"""Prefixes of the receiver of a notice for an application's owners, or for one person, until it is found out
who of them wants it.
"""


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
        people: PeopleOf | None = None,
    ) -> None:
        """`receivers`: e-mail addresses, and an empty text for the webhook. Each gets its own notice.
        `wanted`: whether a notice for an application's own webhook is for anybody; None: there are none.
        `people`: who is told at an e-mail address of their own; None: nobody is.
        """
        self._store = store
        self._events = frozenset(events)
        self._receivers = tuple(receivers)
        self._clock = clock
        self._random = random
        self._wanted = wanted
        self._people = people
        self._waiting: deque[QueuedNotice] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def heard(self, action: str, target: str, before: object | None, after: object | None) -> None:
        """Takes a change of the store (`gateway.store.change_listener`)."""
        for event in events_of(action, target, before, after):
            self.put(event)

    def wants(self, event: str) -> bool:
        """Whether such events are told."""
        by_developers = (self._wanted is not None and event in OF_APPLICATIONS) or (
            self._people is not None and event in KIND_OF
        )
        return event in self._events or by_developers

    def put(self, event: PortalEvent) -> None:
        """Takes an event, if it is one of those that are told."""
        if event.type in self._events:
            for receiver in self._receivers:
                self._put(event, receiver)
        if self._wanted is not None and event.application and event.type in OF_APPLICATIONS:
            self._put(event, APPLICATION + event.application)
        if self._people is not None and event.person:
            self._put(event, ONE + event.person)
        if self._people is not None and event.application and event.type in KIND_OF:
            self._put(event, OWNERS + event.application)

    def _put(self, event: PortalEvent, receiver: str) -> None:
        if len(self._waiting) >= MOST:
            log.error("a notice is lost, as the store does not take any: %s", event.type)
            return
        now = self._clock()
        self._waiting.append(QueuedNotice(self._new_id(), event.body(now), int(now), int(now), to=receiver))
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
            if notice.to.startswith((OWNERS, ONE)):
                await self._resolve(notice)
                continue
            # Its id is kept: who asks again after a lost answer writes the same one.
            if not await self._is_for_nobody(notice) and not await self._store.add(notice):
                log.error("a notice is lost, as too many wait to be sent: %s", notice.id)
            self._waiting.popleft()

    async def _resolve(self, notice: QueuedNotice) -> None:
        """Puts one notice for each person in the place of one that is for people."""
        people = () if self._people is None else await self._people(notice)
        self._waiting.popleft()
        for person in reversed(people):
            self._waiting.appendleft(replace(notice, id=self._new_id(), to=PERSON + person))

    async def _is_for_nobody(self, notice: QueuedNotice) -> bool:
        return notice.of_application and self._wanted is not None and not await self._wanted(notice)

    def _new_id(self) -> str:
        return f"msg_{self._random(16).hex()}"

    async def _keep(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.write()
            except StoreUnavailable:
                await asyncio.sleep(RETRY)
                self._wake.set()
