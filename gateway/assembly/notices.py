"""Notices by webhook (`portal.notify`) from the configuration."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from gateway.clock import Clock, system_clock
from gateway.config.model import Settings
from gateway.config.portal_notify import PortalNotify
from gateway.notices.outbox import NoticeOutbox
from gateway.notices.sender import NoticeSender
from gateway.notices.signature import WebhookKey
from gateway.notices.webhook import WebhookClient
from gateway.oauth.model import Client
from gateway.store import Store
from gateway.telemetry.snapshot import Gauges


class Notices:
    """What a worker has for them; nothing where nobody is told."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        file_clients: Sequence[Client],
        clock: Clock,
        serves: Callable[[], bool],
    ) -> None:
        """Hears of the store's changes from now on. `serves`: whether new connections get this
        configuration.
        """
        self._outbox: NoticeOutbox | None = None
        self._sender: NoticeSender | None = None
        notify = settings.portal.notify
        if notify is None:
            return
        self._outbox = _outbox(notify, store, clock)

        async def clients() -> AsyncIterator[Client]:
            for client in file_clients:
                yield client
            async for client in store.clients.each():
                yield client

        webhook = notify.webhook
        self._sender = NoticeSender(
            store.notices,
            self._outbox,
            webhook.url,
            WebhookKey.parse(webhook.secret.get_secret_value()),
            WebhookClient(webhook.url),
            clients,
            store.once.first,
            clock,
            secrets.token_hex(16),
            serves,
        )

    async def start(self) -> None:
        """Begins to write and to send."""
        if self._outbox is not None and self._sender is not None:
            await self._outbox.start()
            await self._sender.start()

    async def stop(self) -> None:
        """Writes what is left, and ends. Also valid without a start."""
        if self._outbox is not None and self._sender is not None:
            await self._sender.stop()
            await self._outbox.stop()

    def gauges(self) -> Gauges:
        """What waits and what fails."""
        if self._sender is None:
            return {}
        return {
            "notices_waiting": {(): float(self._sender.waiting)},
            "notice_failures": {(): float(self._sender.failures)},
        }


@asynccontextmanager
async def told(settings: Settings, store: Store) -> AsyncIterator[None]:
    """Within a command, its changes are put among what a running gateway sends."""
    notify = settings.portal.notify
    if notify is None:
        yield
        return
    outbox = _outbox(notify, store, system_clock)
    try:
        yield
    finally:
        await outbox.stop()


def _outbox(notify: PortalNotify, store: Store, clock: Clock) -> NoticeOutbox:
    outbox = NoticeOutbox(store.notices, notify.events, clock, secrets.token_bytes)
    also: Callable[[str, str, object | None, object | None], None] = store.changes.heard

    def heard(action: str, target: str, before: object | None, after: object | None) -> None:
        also(action, target, before, after)
        outbox.heard(action, target, before, after)

    store.changes.heard = heard
    return outbox
