"""Sends what waits. Of all processes of a store one does, for as long as it renews its lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.notices.application_webhooks import WebhookSender, due_for_applications, surplus
from gateway.notices.attempts import LIFETIME, NoticeAttempt, sent_again
from gateway.notices.events import DAY, ENDS, expiring, warning_due
from gateway.notices.mail import MailClient
from gateway.notices.outbox import NoticeOutbox
from gateway.notices.signature import WebhookKey
from gateway.notices.user_mails import UserMailSender
from gateway.notices.webhook import WebhookClient
from gateway.oauth.model import Client
from gateway.runtime.beat import until_beat
from gateway.store.notices import NoticeStore, QueuedNotice

log = logging.getLogger("gatepost")

INTERVAL = 1.0
"""Seconds between two looks."""
LEASE = 30.0
"""Seconds, more than an attempt takes: it is renewed before each."""
AT_ONCE = 8
"""Attempts at a time."""
SCAN_INTERVAL = 3600.0
"""Seconds between two looks at all secrets."""
SCAN_RETRY = 60.0
"""The same, after one that failed."""

FirstUse = Callable[[str, str, int], Awaitable[bool]]
"""`gateway.store.replay_cache.ReplayCache.first`."""


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """The webhook: where it is, what signs, and who asks."""

    url: str
    key: WebhookKey
    client: WebhookClient

    async def post(self, notice: QueuedNotice, now: int) -> NoticeAttempt:
        """One attempt."""
        return await self.client.post(notice.body, self.key.headers(notice.id, now, notice.body))


class NoticeSender:
    """One for each worker."""

    def __init__(
        self,
        store: NoticeStore,
        outbox: NoticeOutbox,
        webhook: WebhookTarget | None,
        mail: MailClient | None,
        clients: Callable[[], AsyncIterator[Client]],
        first: FirstUse,
        clock: Clock,
        owner: str,
        serves: Callable[[], bool],
        webhooks: WebhookSender | None = None,
        people: UserMailSender | None = None,
    ) -> None:
        """`clients`: all, of the file and of the store. `owner`: a name that no other sender has. `serves`:
        whether this configuration is still the one that new connections get. `webhooks`: sends to those of
        applications; None: they are off. `people`: writes to people's own addresses; None: to nobody's.
        """
        self._store = store
        self._outbox = outbox
        self._webhook = webhook
        self._mail = mail
        self._clients = clients
        self._first = first
        self._clock = clock
        self._owner = owner
        self._serves = serves
        self._webhooks = webhooks
        self._people = people
        self._scan_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._seen: tuple[int, float] = (0, 0.0)
        """How many waited at the last look, and when the first of them is due."""
        self.waiting = 0
        """Notices in the store, as far as this process knows: 0 where another one sends."""
        self.failures = 0
        """Attempts that failed since one did not."""

    async def start(self) -> None:
        """Begins to send."""
        self._task = asyncio.create_task(self._run(), name="notices")

    async def stop(self) -> None:
        """Ends what is being sent, and lets another process send. What was not taken is sent again."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            with suppress(StoreUnavailable):
                await self._store.resign(self._owner)
        if self._webhook is not None:
            await self._webhook.client.stop()

    async def _run(self) -> None:
        while True:
            try:
                await self.step()
            except StoreUnavailable as error:
                log.debug("no notices are sent: %s", error.reason)
            except Exception:
                log.exception("notices could not be sent; it is tried again")
            await asyncio.sleep(until_beat(INTERVAL))

    async def step(self) -> None:
        """Sends what is due, if it is for this process to send. Raises StoreUnavailable."""
        if not await self._leads():
            self.waiting = self.failures = 0
            return
        await self._send_due()
        await self._look_for_ends()

    async def _leads(self) -> bool:
        if self._serves():
            return await self._store.lead(self._owner, LEASE)
        # Streams may keep an earlier configuration for long: its successor sends, to its own receiver.
        await self._store.resign(self._owner)
        return False

    async def _look_for_ends(self) -> None:
        now = self._clock()
        if now < self._scan_at or not any(map(self._outbox.wants, ENDS)):
            return
        self._scan_at = now + SCAN_RETRY
        async for client in self._clients():
            for secret in client.secrets:
                days = warning_due(secret, now)
                if days is None:
                    continue
                # The end is in the name: who gives a secret another end is told of that.
                name = f"{client.id} {secret.digest.hex()} {secret.foreign} {secret.expires} {days}"
                if await self._first("expiry-notice", name, (days + 1) * DAY):
                    self._outbox.put(expiring(client, secret, now))
        self._scan_at = now + SCAN_INTERVAL

    async def _send_due(self) -> None:
        self.waiting = await self._store.count()
        if not self.waiting:
            self._seen = (0, 0.0)
            return
        count, next_due = self._seen
        if self.waiting == count and self._clock() < next_due:
            return
        queued = await self._store.list()
        if self._webhook is not None and await self._store.is_gone(self._webhook.url):
            queued = await self._drop(queued)
        too_many = surplus(queued)
        if too_many:
            log.warning("%d notices are dropped, as too many wait for one receiver", len(too_many))
            await self._store.remove([one.id for one in too_many])
        due = self._due([one for one in queued if one not in too_many])
        while due and await self._leads():
            batch, due = due[:AT_ONCE], due[AT_ONCE:]
            attempts = await asyncio.gather(*map(self._attempt, batch))
            if any(attempt.gone for attempt in attempts):
                log.error("the receiver of portal.notify answered 410: it is told nothing more for a day")
                await self._note_gone()
                queued = await self._drop(queued)
                due = [one for one in due if one.to]
        left = await self._store.list()
        self.waiting = len(left)
        self._seen = (len(left), left[0].due if left else 0.0)

    def _due(self, queued: Sequence[QueuedNotice]) -> list[QueuedNotice]:
        """What is sent at this look: developers' receivers, which may be slow, hold up nobody else."""
        due = [one for one in queued if one.due <= self._clock()]
        others = [one for one in due if not one.of_application]
        return others + due_for_applications([one for one in due if one.of_application], AT_ONCE)

    async def _attempt(self, notice: QueuedNotice) -> NoticeAttempt:
        now = self._clock()
        if now >= notice.created + LIFETIME:
            log.error("notice %s is given up: it is a day old", notice.id)
            await self._store.remove([notice.id])
            return NoticeAttempt(0)
        attempt = await self._handed_over(notice, int(now))
        if attempt is None:
            whose = "its developer" if notice.of_developer else "portal.notify"
            log.warning("notice %s is dropped: %s names no such receiver any more", notice.id, whose)
            await self._store.remove([notice.id])
            return NoticeAttempt(0)
        if attempt.taken:
            self.failures = self.failures if notice.of_application else 0
            await self._store.remove([notice.id])
        elif not attempt.gone:
            self.failures += 0 if _is_theirs(notice, attempt) else 1
            await self._failed(notice, attempt)
        return attempt

    async def _handed_over(self, notice: QueuedNotice, now: int) -> NoticeAttempt | None:
        """One attempt; None: nothing is configured that could make it."""
        if notice.of_application:
            return None if self._webhooks is None else await self._webhooks.hand_over(notice)
        if notice.of_person:
            return None if self._people is None else await self._people.hand_over(notice)
        if notice.to:
            return None if self._mail is None else await self._mail.send(notice)
        return None if self._webhook is None else await self._webhook.post(notice, now)

    async def _note_gone(self) -> None:
        if self._webhook is not None:
            await self._store.note_gone(self._webhook.url)

    async def _failed(self, notice: QueuedNotice, attempt: NoticeAttempt) -> None:
        later = sent_again(notice, self._clock())
        level = logging.WARNING if _is_theirs(notice, attempt) else logging.ERROR
        if attempt.final:
            log.log(level, "notice %s is given up: %s", notice.id, attempt.words)
            await self._store.remove([notice.id])
            return
        if later is None:
            log.log(level, "notice %s is given up after a day: %s", notice.id, attempt.words)
            await self._store.remove([notice.id])
            return
        pause = later.due - int(self._clock())
        log.warning("notice %s was not taken, next attempt in %d s: %s", notice.id, pause, attempt.words)
        await self._store.keep(later)

    async def _drop(self, queued: Sequence[QueuedNotice]) -> list[QueuedNotice]:
        """Drops what waits for the webhook. The others."""
        dropped = [one for one in queued if not one.to]
        if dropped:
            log.warning("%d notices are dropped, as their receiver answered 410", len(dropped))
            await self._store.remove([one.id for one in dropped])
        return [one for one in queued if one.to]


def _is_theirs(notice: QueuedNotice, attempt: NoticeAttempt) -> bool:
    """Whether a failure is a developer's: of their receiver, or of their address, which a mail server refused
    for good. Whoever runs the gateway need not mend it.
    """
    return notice.of_application or (notice.of_person and attempt.final)
