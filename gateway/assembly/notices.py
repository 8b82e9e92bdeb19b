"""Notices (`portal.notify`) from the configuration."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from gateway.accounts.call_watch import ErrorRule
from gateway.accounts.limits_left import ReadLimits
from gateway.assembly.application_webhooks import webhook_sender
from gateway.assembly.call_notices import CallNotices
from gateway.assembly.user_mails import user_mail_sender
from gateway.clock import Clock, system_clock
from gateway.config.model import Settings
from gateway.config.portal_mail import PORTS, PortalMail
from gateway.config.portal_notify import ErrorsHigh, PortalNotify, PortalWebhook
from gateway.errors import StartError
from gateway.notices.application_webhooks import WebhookSender
from gateway.notices.mail import MailClient, MailSender, MailServer
from gateway.notices.outbox import NoticeOutbox
from gateway.notices.sender import NoticeSender, WebhookTarget
from gateway.notices.signature import WebhookKey
from gateway.notices.user_mails import UserMailSender
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
        webhooks = webhook_sender(settings, store, clock)
        if notify is None and webhooks is None:
            return
        mail = _mail(settings)
        people = user_mail_sender(settings, store, mail)
        self._outbox = _outbox(notify, store, clock, webhooks, people)
        webhook = None if notify is None else notify.webhook
        errors = ErrorsHigh() if notify is None else notify.errors
        self._error_rule = ErrorRule(errors.share, int(errors.window // 60), errors.calls)

        async def clients() -> AsyncIterator[Client]:
            for client in file_clients:
                yield client
            async for client in store.clients.each():
                yield client

        self._sender = NoticeSender(
            store.notices,
            self._outbox,
            None if webhook is None else _webhook(webhook),
            mail,
            clients,
            store.once.first,
            clock,
            secrets.token_hex(16),
            serves,
            webhooks,
            people,
        )

    def of_calls(self, store: Store, limits: ReadLimits, clock: Clock) -> CallNotices | None:
        """What looks at clients' calls; None where nobody is told of them."""
        if self._outbox is None:
            return None
        return CallNotices(store, self._outbox, limits, self._error_rule, clock)

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
    webhooks = webhook_sender(settings, store, system_clock)
    if notify is None and webhooks is None:
        yield
        return
    people = user_mail_sender(settings, store, _mail(settings))
    outbox = _outbox(notify, store, system_clock, webhooks, people)
    try:
        yield
    finally:
        await outbox.stop()


def _receivers(notify: PortalNotify | None) -> tuple[str, ...]:
    """To whom each notice goes: e-mail addresses, and an empty text for the webhook."""
    if notify is None:
        return ()
    addresses = () if notify.email is None else notify.email.to
    return (*([""] if notify.webhook is not None else []), *dict.fromkeys(addresses))


def _webhook(webhook: PortalWebhook) -> WebhookTarget:
    key = WebhookKey.parse(webhook.secret.get_secret_value())
    return WebhookTarget(webhook.url, key, WebhookClient(webhook.url))


def _mail(settings: Settings) -> MailClient | None:
    """What hands mails over; None: nothing does. Raises StartError."""
    mail = settings.portal.mail
    return None if mail is None else MailClient(*_sending(mail, settings))


def _sending(mail: PortalMail, settings: Settings) -> tuple[MailServer, MailSender]:
    """The server and the sender of `portal.notify.email`. Raises StartError."""
    smtp = mail.smtp
    trust = None
    if smtp.tls != "none":
        try:
            # The certificate and the host name are verified.
            trust = ssl.create_default_context(cafile=smtp.ca)
        except (OSError, ssl.SSLError) as error:
            raise StartError(f"portal.notify.email.smtp.ca can't be used: {error}") from error
    password = None if smtp.password is None else smtp.password.get_secret_value()
    port = PORTS[smtp.tls] if smtp.port is None else smtp.port
    server = MailServer(smtp.host, port, smtp.tls, trust, smtp.username, password)
    title = settings.portal.brand.name or "Gatepost"
    return server, MailSender(mail.sender, title, settings.server.public_url)


def _outbox(
    notify: PortalNotify | None,
    store: Store,
    clock: Clock,
    webhooks: WebhookSender | None,
    people: UserMailSender | None,
) -> NoticeOutbox:
    outbox = NoticeOutbox(
        store.notices,
        () if notify is None else notify.events,
        _receivers(notify),
        clock,
        secrets.token_bytes,
        None if webhooks is None else webhooks.wanted,
        None if people is None else people.people,
    )
    also: Callable[[str, str, object | None, object | None], None] = store.changes.heard

    def heard(action: str, target: str, before: object | None, after: object | None) -> None:
        also(action, target, before, after)
        outbox.heard(action, target, before, after)

    store.changes.heard = heard
    return outbox
