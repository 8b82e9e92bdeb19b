"""The webhooks of applications (`portal.webhooks`) from the configuration."""

from __future__ import annotations

import secrets

from gateway.accounts.webhooks import ApplicationWebhooks
from gateway.assembly.tokens import configured_keys
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.portal_notify import check_webhook_url
from gateway.notices.application_webhooks import WebhookSender
from gateway.notices.webhook import may_ask_url
from gateway.oauth.token_encryption import TokenCipher
from gateway.store import Store

PURPOSE = "application webhooks"


def webhook_sender(settings: Settings, store: Store, clock: Clock) -> WebhookSender | None:
    """What sends to them; None: they are off."""
    portal = settings.portal
    if not portal.webhooks:
        return None
    return WebhookSender(
        store.applications, _cipher(settings), portal.webhook_networks, clock, secrets.token_bytes
    )


def application_webhooks(settings: Settings, store: Store, clock: Clock) -> ApplicationWebhooks | None:
    """What changes them; None: they are off."""
    sender = webhook_sender(settings, store, clock)
    if sender is None:
        return None
    networks = tuple(settings.portal.webhook_networks)

    def accepts(url: str) -> bool:
        try:
            return may_ask_url(check_webhook_url(url), networks)
        except ValueError:
            return False

    return ApplicationWebhooks(
        store.applications,
        _cipher(settings),
        accepts,
        sender.send_test,
        store.once.first,
        clock,
        secrets.token_bytes,
    )


def _cipher(settings: Settings) -> TokenCipher:
    return TokenCipher(configured_keys(settings).derive(PURPOSE), secrets.token_bytes)
