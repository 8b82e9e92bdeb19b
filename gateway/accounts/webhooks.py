"""The webhooks of applications: one for each, which their developers make, try and remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.application import Application
from gateway.oauth.application_webhook import (
    SECRET_BYTES,
    ApplicationWebhook,
    new_secret,
    open_secret,
    seal_secret,
)
from gateway.oauth.token_encryption import TokenCipher
from gateway.store import ApplicationStore
from gateway.translation.text import gettext

TEST_PAUSE = 10
"""Seconds between two tests of one webhook."""

Check = Callable[[Application], None]


def _anything(_: Application) -> None:
    """Whatever it is, it may be changed."""


class WebhookRefused(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """A webhook can't be had so; the text, for the developer, says why."""


class TestOutcome(Protocol):
    """What came of a notice (`gateway.notices.attempts.NoticeAttempt`)."""

    @property
    def status(self) -> int:
        """With which it was answered; 0: it was not."""

    @property
    def reason(self) -> str:
        """Why there was no answer."""

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""


SendTest = Callable[[str, str, str], Awaitable[TestOutcome]]
"""Sends a test notice: URL, secret and the application's id."""
FirstUse = Callable[[str, str, int], Awaitable[bool]]
"""`gateway.store.replay_cache.ReplayCache.first`."""


class ApplicationWebhooks:
    """Changes them. The application is one that the caller may manage.

    Every method raises StoreUnavailable unless the store has answered, and ApplicationMissing. `check` sees
    what is changed, in the same step, and may raise.
    """

    def __init__(
        self,
        store: ApplicationStore,
        cipher: TokenCipher,
        accepts: Callable[[str], bool],
        send_test: SendTest,
        first: FirstUse,
        clock: Clock,
        random: Callable[[int], bytes],
    ) -> None:
        """`accepts`: whether a URL may be a receiver, as far as it says so itself."""
        self._store = store
        self._cipher = cipher
        self._accepts = accepts
        self._send_test = send_test
        self._first = first
        self._clock = clock
        self._random = random

    async def save(
        self, application: Application, url: str, check: Check = _anything
    ) -> tuple[ApplicationWebhook, str]:
        """Sets the URL, and switches the webhook on. The secret, where it is new; else an empty text.

        Raises WebhookRefused.
        """
        if not self._accepts(url):
            raise WebhookRefused(
                gettext("Fill in an https URL of a public address, such as https://hooks.example.org/events.")
            )
        secret, now = self._new_secret(), int(self._clock())
        made = ApplicationWebhook(url, self._sealed(application, secret), now, now)

        def saved(before: ApplicationWebhook | None) -> ApplicationWebhook:
            return made if before is None else replace(before, url=url, failing=0, off="")

        kept = await self._change(application, saved, check)
        return kept, secret if kept.sealed == made.sealed else ""

    async def renew_secret(
        self, application: Application, check: Check = _anything
    ) -> tuple[ApplicationWebhook, str]:
        """A new secret; the last one signs nothing more. Raises WebhookRefused."""
        secret = self._new_secret()
        sealed, now = self._sealed(application, secret), int(self._clock())

        def renewed(before: ApplicationWebhook | None) -> ApplicationWebhook:
            return replace(_there(before), sealed=sealed, secret_created=now)

        return await self._change(application, renewed, check), secret

    async def switch(
        self, application: Application, *, on: bool, check: Check = _anything
    ) -> ApplicationWebhook:
        """Switches it off, or on again; what waits for one that is off is not sent. Raises WebhookRefused."""

        def switched(before: ApplicationWebhook | None) -> ApplicationWebhook:
            there = _there(before)
            return replace(there, failing=0, off="") if on else replace(there, off="disabled")

        return await self._change(application, switched, check)

    async def remove(self, application: Application, check: Check = _anything) -> None:
        """Removes it. What waits for it is not sent."""

        def removed(one: Application) -> Application:
            _same_owner(one, application)
            check(one)
            return replace(one, webhook=None)

        await self._store.update(application.id, removed)

    async def test(self, application: Application) -> TestOutcome:
        """Sends a test notice now, once, also where it is switched off. Raises WebhookRefused."""
        webhook = _there(application.webhook)
        if not await self._first("webhook-test", application.id, TEST_PAUSE):
            raise WebhookRefused(gettext("A test was sent just now. Wait ten seconds."))
        secret = open_secret(self._cipher, application.id, webhook)
        if secret is None:
            raise WebhookRefused(gettext("Its signing secret cannot be read any more. Make a new one."))
        return await self._send_test(webhook.url, secret, application.id)

    async def _change(
        self,
        application: Application,
        change: Callable[[ApplicationWebhook | None], ApplicationWebhook],
        check: Check,
    ) -> ApplicationWebhook:
        def changed(one: Application) -> Application:
            _same_owner(one, application)
            check(one)
            return replace(one, webhook=change(one.webhook))

        return _there((await self._store.update(application.id, changed)).webhook)

    def _new_secret(self) -> str:
        return new_secret(self._random(SECRET_BYTES))

    def _sealed(self, application: Application, secret: str) -> str:
        return seal_secret(self._cipher, application.id, secret)


def _there(webhook: ApplicationWebhook | None) -> ApplicationWebhook:
    if webhook is None:
        raise WebhookRefused(gettext("The application has no webhook."))
    return webhook


def _same_owner(now: Application, before: Application) -> None:
    """What the former owner was allowed ends with the change of the owner."""
    if now.owner != before.owner:
        raise WebhookRefused(gettext("The application has another owner meanwhile."))
