"""`gatepost webhook …`: the webhooks that developers have given their applications."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.accounts.webhooks import ApplicationWebhooks, WebhookRefused
from gateway.assembly.application_webhooks import application_webhooks
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit, prints_json
from gateway.commands.store_access import with_store
from gateway.commands.tables import rfc3339, table
from gateway.errors import GatepostError
from gateway.oauth.application import Application
from gateway.oauth.application_webhook import ApplicationWebhook
from gateway.store import Store
from gateway.store.notices import APPLICATION, QueuedNotice

Result = TypeVar("Result")
Work = Callable[[ApplicationWebhooks, Application], Awaitable[Result]]


@click.group()
def webhook() -> None:
    """Manage the webhooks of the portal's applications."""


@webhook.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the webhooks as JSON.")
def list_webhooks(config: Path, as_json: bool) -> None:
    """List the webhooks of all applications."""

    async def work(store: Store) -> list[dict[str, Any]]:
        queued, applications = await store.notices.list(), await store.applications.list()
        return [_described(one, one.webhook, queued) for one in applications if one.webhook is not None]

    found = with_store(load_or_exit(config), work)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for line in table(("APPLICATION", "NAME", "STATE", "WAITING", "URL"), [_row(one) for one in found]):
        click.echo(line)


@webhook.command()
@click.argument("application")
@config_option
@prints_json
def show(application: str, config: Path) -> None:
    """Show an application's webhook, with the notices that wait for it."""

    async def work(store: Store) -> dict[str, Any]:
        found, queued = await _found(store, application), await store.notices.list()
        notices = sorted(_waiting(found, queued), key=lambda one: (one.created, one.id))
        return _described(found, found.webhook, queued) | {"notices": [_notice(one) for one in notices]}

    click.echo(json.dumps(with_store(load_or_exit(config), work), indent=2))


@webhook.command()
@click.argument("application")
@config_option
@prints_json
def disable(application: str, config: Path) -> None:
    """Switch an application's webhook off; what waits for it is not sent."""
    _change(config, application, lambda webhooks, one: webhooks.switch(one, on=False))


@webhook.command()
@click.argument("application")
@config_option
@prints_json
def enable(application: str, config: Path) -> None:
    """Switch an application's webhook on again."""
    _change(config, application, lambda webhooks, one: webhooks.switch(one, on=True))


@webhook.command()
@click.argument("application")
@config_option
@prints_json
def test(application: str, config: Path) -> None:
    """Send a test notice to an application's webhook, once; exit with 1 unless it is taken."""
    outcome = _work(config, application, lambda webhooks, one: webhooks.test(one))
    told = {"delivered": outcome.taken, "status": outcome.status or None, "reason": outcome.reason or None}
    click.echo(json.dumps(told, indent=2))
    if not outcome.taken:
        raise SystemExit(1)


def _change(config: Path, application: str, change: Work[ApplicationWebhook]) -> None:
    async def changed(webhooks: ApplicationWebhooks, one: Application) -> Application:
        return replace(one, webhook=await change(webhooks, one))

    found = _work(config, application, changed)
    click.echo(json.dumps(_described(found, found.webhook, ()), indent=2))


def _work(config: Path, application: str, work: Work[Result]) -> Result:
    settings = load_or_exit(config)

    async def done(store: Store) -> Result:
        webhooks = application_webhooks(settings, store, system_clock)
        if webhooks is None:
            raise GatepostError("applications have no webhooks here: portal.webhooks is off")
        try:
            return await work(webhooks, await _found(store, application))
        except WebhookRefused as error:
            # As a line of a command, not as a sentence of a page.
            text = str(error).rstrip(".")
            raise GatepostError(text[:1].lower() + text[1:]) from error

    return with_store(settings, done)


async def _found(store: Store, application_id: str) -> Application:
    found = await store.applications.get(application_id)
    if found is None:
        raise GatepostError(f"there is no application {application_id!r}")
    return found


def _waiting(application: Application, queued: Sequence[QueuedNotice]) -> list[QueuedNotice]:
    return [one for one in queued if one.to == f"{APPLICATION}{application.id}"]


def _described(
    application: Application, webhook: ApplicationWebhook | None, queued: Sequence[QueuedNotice]
) -> dict[str, Any]:
    """What is known of a webhook, without its secret."""
    if webhook is None:
        raise GatepostError("the application has no webhook")
    return {
        "application": application.id,
        "name": application.name,
        "url": webhook.url,
        "state": _state(webhook),
        "failing_since": rfc3339(webhook.failing) if webhook.failing else None,
        "created": rfc3339(webhook.created),
        "secret_created": rfc3339(webhook.secret_created),
        "waiting": len(_waiting(application, queued)),
    }


def _state(webhook: ApplicationWebhook) -> str:
    """In one word."""
    if webhook.off:
        return {"gone": "gone", "failing": "failed", "disabled": "disabled"}[webhook.off]
    return "failing" if webhook.failing else "on"


def _notice(one: QueuedNotice) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": json.loads(one.body).get("type"),
        "created": rfc3339(one.created),
        "attempts": one.attempts,
        "next_attempt": rfc3339(one.due),
    }


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return one["application"], one["name"], one["state"], str(one["waiting"]), one["url"]
