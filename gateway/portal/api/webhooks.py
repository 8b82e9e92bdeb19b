"""An application's webhook, as programs make, try and remove it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.accounts.webhooks import ApplicationWebhooks, WebhookRefused
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.oauth.application_webhook import ApplicationWebhook
from gateway.portal.api.api_request import CONFLICT, NOT_FOUND, Call
from gateway.portal.api.request_bodies import WebhookBody
from gateway.portal.api.responses import answer
from gateway.portal.versions import webhook_check, webhook_version
from gateway.portal.webhook_outcome import outcome_words

STATUSES = {"": "ACTIVE", "gone": "GONE", "failing": "FAILED", "disabled": "DISABLED"}


async def show(call: Call) -> web.Response:
    """The webhook of an application, without its secret."""
    _webhooks(call)
    webhook = (await call.application()).webhook
    if webhook is None:
        raise Problem(NOT_FOUND)
    return _answer(webhook)


async def save(call: Call) -> web.Response:
    """Sets the URL of an application's webhook, and switches it on. A new one's secret is shown now only."""
    webhooks, application, body = _webhooks(call), await call.application(), await call.body(WebhookBody)
    try:
        webhook, secret = await webhooks.save(application, body.url, webhook_check(call.if_match))
    except WebhookRefused as error:
        raise Problem(BAD_REQUEST, f"url: {error}") from None
    return _answer(webhook, secret)


async def regenerate_secret(call: Call) -> web.Response:
    """A new signing secret, in place of the last one. It is shown now and never again."""
    webhooks, application = _webhooks(call), await call.application()
    if application.webhook is None:
        raise Problem(NOT_FOUND)
    try:
        webhook, secret = await webhooks.renew_secret(application, webhook_check(call.if_match))
    except WebhookRefused as error:
        raise Problem(CONFLICT, str(error)) from None
    return _answer(webhook, secret)


async def test(call: Call) -> web.Response:
    """Sends a test notice once, and says what came of it."""
    webhooks, application = _webhooks(call), await call.application()
    if application.webhook is None:
        raise Problem(NOT_FOUND)
    try:
        outcome = await webhooks.test(application)
    except WebhookRefused as error:
        raise Problem(CONFLICT, str(error)) from None
    told = {"delivered": outcome.taken, "status": outcome.status or None, "detail": outcome_words(outcome)}
    return answer(told)


async def delete(call: Call) -> web.Response:
    """Removes an application's webhook."""
    webhooks, application = _webhooks(call), await call.application()
    if application.webhook is None:
        raise Problem(NOT_FOUND)
    await webhooks.remove(application, webhook_check(call.if_match))
    return web.Response(status=204)


def _webhooks(call: Call) -> ApplicationWebhooks:
    found = call.services.webhooks
    if found is None:
        raise Problem(NOT_FOUND)
    return found


def _answer(webhook: ApplicationWebhook, secret: str = "") -> web.Response:
    shape: dict[str, Any] = {
        "url": webhook.url,
        "status": STATUSES[webhook.off],
        "createdTime": webhook.created,
        "secretCreatedTime": webhook.secret_created,
        "failingSince": webhook.failing or None,
    }
    return answer(shape | ({"secret": secret} if secret else {}), ETag=webhook_version(webhook))
