"""An application's webhook: made, tried and removed by its developers."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.accounts.webhooks import ApplicationWebhooks, WebhookRefused
from gateway.oauth.application import Application
from gateway.portal.page_request import Fields, PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.applications import the_application
from gateway.portal.versions import VersionDiffers, webhook_check, webhook_version
from gateway.portal.webhook_outcome import outcome_words

KIND = "webhook"


def _webhooks(page_request: PageRequest) -> ApplicationWebhooks:
    found = page_request.services.webhooks
    if found is None:
        raise PageNotFound
    return found


def _path(application: Application) -> str:
    return f"/portal/applications/{application.id}/webhook"


async def show(page_request: PageRequest) -> web.StreamResponse:
    """The webhook, or the form for one."""
    _webhooks(page_request)
    return _page(page_request, await the_application(page_request))


async def back(page_request: PageRequest) -> web.StreamResponse:
    """Who reloads the answer to a form gets the page that the form was on."""
    return redirect_to(_path(await the_application(page_request)))


async def save(page_request: PageRequest) -> web.StreamResponse:
    """Sets the URL. The secret of a new one is shown."""
    webhooks, application = _webhooks(page_request), await the_application(page_request)
    fields = await page_request.fields()
    url = fields.text("url")
    try:
        _, secret = await webhooks.save(application, url, _seen(fields))
    except VersionDiffers:
        return await _changed(page_request, url=url)
    except WebhookRefused as error:
        return _page(page_request, application, 422, url=url, problems={"url": str(error)})
    if not secret:
        return redirect_to(_path(application), "saved")
    return _shown_once(page_request, application, secret)


async def new_secret(page_request: PageRequest) -> web.StreamResponse:
    """A new secret, shown until its owner has stored it."""
    webhooks, application = _webhooks(page_request), await the_application(page_request)
    fields = await page_request.fields()
    try:
        _, secret = await webhooks.renew_secret(application, _seen(fields))
    except VersionDiffers:
        return await _changed(page_request)
    except WebhookRefused:
        return redirect_to(_path(application), "look")
    return _shown_once(page_request, application, secret)


async def test(page_request: PageRequest) -> web.StreamResponse:
    """Sends a test notice, and says what came of it."""
    webhooks, application = _webhooks(page_request), await the_application(page_request)
    await page_request.fields()
    try:
        outcome = await webhooks.test(application)
    except WebhookRefused as error:
        return _page(page_request, application, 422, outcome=str(error), taken=False)
    return _page(page_request, application, outcome=outcome_words(outcome), taken=outcome.taken)


async def remove(page_request: PageRequest) -> web.StreamResponse:
    """Removes the webhook."""
    webhooks, application = _webhooks(page_request), await the_application(page_request)
    fields = await page_request.fields()
    try:
        await webhooks.remove(application, _seen(fields))
    except VersionDiffers:
        return await _changed(page_request)
    response = redirect_to(_path(application), "webhook-removed")
    page_request.forget(response, KIND, _path(application))
    return response


async def stored(page_request: PageRequest) -> web.StreamResponse:
    """I have stored it: the secret is not shown again."""
    _webhooks(page_request)
    application = await the_application(page_request)
    await page_request.fields()
    response = redirect_to(_path(application), "stored")
    page_request.forget(response, KIND, _path(application))
    return response


def _shown_once(page_request: PageRequest, application: Application, secret: str) -> web.Response:
    response = redirect_to(_path(application), "webhook-secret")
    page_request.keep(response, KIND, _path(application), {"secret": secret})
    return response


def _seen(fields: Fields) -> Callable[[Application], None]:
    """Raises VersionDiffers where the webhook is not what the form has shown."""
    return webhook_check(fields.raw("seen") or None)


async def _changed(page_request: PageRequest, **content: object) -> web.Response:
    """The webhook as it is now, with what was filled in."""
    return _page(page_request, await the_application(page_request), 409, changed=True, **content)


def _page(
    page_request: PageRequest, application: Application, status: int = 200, **content: object
) -> web.Response:
    webhook = application.webhook
    shown: dict[str, object] = {
        "url": "" if webhook is None else webhook.url,
        "problems": {},
        "outcome": "",
        "taken": False,
        "changed": False,
        **content,
    }
    kept = None if webhook is None else page_request.kept(KIND, _path(application))
    return page_request.page(
        "webhook.html",
        status,
        application=application,
        webhook=webhook,
        seen=webhook_version(webhook),
        base=_path(application),
        secret=kept,
        **shown,
    )
