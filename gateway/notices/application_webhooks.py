"""Hands notices over to the webhooks of applications, and switches off those that take none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import GatepostError, StoreUnavailable
from gateway.notices.attempts import NoticeAttempt
from gateway.notices.events import DAY, PortalEvent
from gateway.notices.signature import WebhookKey
from gateway.notices.webhook import WebhookClient
from gateway.oauth.application import Application
from gateway.oauth.application_webhook import ApplicationWebhook, open_secret
from gateway.oauth.token_encryption import TokenCipher
from gateway.store import ApplicationStore
from gateway.store.notices import APPLICATION, QueuedNotice

TIMEOUT = 5.0
"""Seconds for a whole attempt."""
PATIENCE = 3
"""Attempts of one notice that fail before its webhook is said to fail."""
OFF_AFTER = 3 * DAY
"""Seconds of failure, after which a webhook is switched off."""
MOST_WAITING = 20
"""Notices that wait for one application, or one person, at the most; of more, the oldest are dropped."""


class WebhookSender:
    """Sends to the webhooks of applications."""

    def __init__(
        self,
        store: ApplicationStore,
        cipher: TokenCipher,
        networks: Sequence[str],
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        """`networks`: those beside the public Internet that may be asked."""
        self._store = store
        self._cipher = cipher
        self._networks = tuple(networks)
        self._clock = clock
        self._random = random

    async def wanted(self, notice: QueuedNotice) -> bool:
        """Whether an application has a webhook that is on. Raises StoreUnavailable."""
        application = await self._store.get(notice.to.removeprefix(APPLICATION))
        return application is not None and application.webhook is not None and not application.webhook.off

    async def hand_over(self, notice: QueuedNotice) -> NoticeAttempt | None:
        """One attempt; None: nobody wants it any more. Raises StoreUnavailable."""
        application_id = notice.to.removeprefix(APPLICATION)
        application = await self._store.get(application_id)
        webhook = None if application is None else application.webhook
        if webhook is None or webhook.off:
            return None
        secret = open_secret(self._cipher, application_id, webhook)
        if secret is None:
            return NoticeAttempt(0, "its secret can't be read", final=True)
        attempt = await self._post(webhook.url, secret, notice.id, notice.body)
        await self._note(application_id, webhook, notice, attempt)
        # The status says nothing to the sender: 410 is meant for the operator's own receiver.
        return NoticeAttempt(0, attempt.words, final=True) if attempt.gone else attempt

    async def send_test(self, url: str, secret: str, application_id: str) -> NoticeAttempt:
        """Sends a test notice, once."""
        body = PortalEvent("webhook.test", {"application": application_id}).body(self._clock())
        return await self._post(url, secret, f"msg_{self._random(16).hex()}", body)

    async def _post(self, url: str, secret: str, notice_id: str, body: str) -> NoticeAttempt:
        headers = WebhookKey.parse(secret).headers(notice_id, int(self._clock()), body)
        client = WebhookClient(url, TIMEOUT, self._networks)
        try:
            return await client.post(body, headers)
        finally:
            await client.stop()

    async def _note(
        self, application_id: str, seen: ApplicationWebhook, notice: QueuedNotice, attempt: NoticeAttempt
    ) -> None:
        noted = after_attempt(seen, notice.attempts + 1, attempt, int(self._clock()))
        if noted == seen:
            return

        def changed(one: Application) -> Application:
            # What its developers have changed meanwhile says more.
            return replace(one, webhook=noted) if one.webhook == seen else one

        try:
            await self._store.update(application_id, changed)
        except StoreUnavailable:
            raise
        except GatepostError:
            # It was deleted, or others keep changing it: the next attempt notes it.
            return


def after_attempt(
    webhook: ApplicationWebhook, attempts: int, attempt: NoticeAttempt, now: int
) -> ApplicationWebhook:
    """The webhook after one more attempt, the how manieth of a notice. The same where nothing changes."""
    if attempt.gone:
        return replace(webhook, off="gone")
    if attempt.taken:
        return replace(webhook, failing=0)
    if not webhook.failing:
        return replace(webhook, failing=now) if attempts >= PATIENCE else webhook
    return replace(webhook, off="failing") if now >= webhook.failing + OFF_AFTER else webhook


def due_for_applications(due: Sequence[QueuedNotice], most: int) -> list[QueuedNotice]:
    """Of what is due for applications, one of each, so that none keeps the others waiting."""
    first: dict[str, QueuedNotice] = {}
    for one in due:
        first.setdefault(one.to, one)
    return list(first.values())[:most]


def surplus(queued: Sequence[QueuedNotice]) -> list[QueuedNotice]:
    """What is too much for single developers' receivers, the oldest first."""
    waiting: dict[str, list[QueuedNotice]] = {}
    for one in queued:
        if one.of_developer:
            waiting.setdefault(one.to, []).append(one)
    return [
        one
        for of_one in waiting.values()
        for one in sorted(of_one, key=lambda each: (each.created, each.id))[:-MOST_WAITING]
    ]
