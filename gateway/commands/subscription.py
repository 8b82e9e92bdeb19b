"""`gatepost subscription …`: what applications have asked of APIs with `access: request`, and decides."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from getpass import getuser
from pathlib import Path
from typing import Any

import click

from gateway.accounts.subscriptions import ApiSubscriptions
from gateway.assembly.subscriptions import subscriptions
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit, prints_json
from gateway.commands.store_access import with_store
from gateway.commands.tables import rfc3339, table
from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.oauth.api_subscription import STATES, ApiSubscription, SubscriptionRefused
from gateway.oauth.application import Application
from gateway.store import Store

LONGEST_NOTE = 512

Decision = Callable[[ApiSubscriptions, Application, ApiSubscription], Awaitable[Application]]


@click.group()
def subscription() -> None:
    """Manage applications' subscriptions to APIs with access: request."""


def _note(_: click.Context, __: click.Parameter, value: str) -> str:
    if len(value) > LONGEST_NOTE:
        raise click.BadParameter(f"must have at most {LONGEST_NOTE} characters")
    return value


_note_option = click.option("--note", default="", callback=_note, help="A note that the developer sees.")


@subscription.command("list")
@config_option
@click.option("--state", type=click.Choice(STATES), default=None, help="Only those in this state.")
@click.option("--json", "as_json", is_flag=True, help="Print the subscriptions as JSON.")
def list_subscriptions(config: Path, state: str | None, as_json: bool) -> None:
    """List the subscriptions of all applications; those that wait for a decision come first."""
    applications = with_store(load_or_exit(config), lambda store: store.applications.list())
    found = [
        (application, one)
        for application in applications
        for one in application.subscriptions
        if state in (None, one.state)
    ]
    found.sort(key=lambda pair: (pair[1].state != "pending", -pair[1].asked))
    if as_json:
        click.echo(json.dumps([_described(*pair) for pair in found], indent=2))
        return
    head = ("APPLICATION", "NAME", "API", "STATE", "SCOPES", "TIER", "ASKED")
    for line in table(head, [_row(*pair) for pair in found]):
        click.echo(line)


@subscription.command()
@click.argument("application")
@click.argument("api")
@config_option
@_note_option
@click.option("--tier", default=None, help="The limits there. Default: the tier that was asked for.")
@prints_json
def approve(application: str, api: str, config: Path, note: str, tier: str | None) -> None:
    """Let an application's keys call an API, at once and with the scopes that were asked for."""
    settings = load_or_exit(config)
    if tier and tier not in settings.tiers:
        raise click.BadParameter(f"there is no tier {tier!r}", param_hint="--tier")

    def decide(of: ApiSubscriptions, one: Application, asked: ApiSubscription) -> Awaitable[Application]:
        return of.approve(one, api, getuser(), note, asked.tier if tier is None else tier)

    _decide(settings, application, api, decide)


@subscription.command()
@click.argument("application")
@click.argument("api")
@config_option
@_note_option
@prints_json
def refuse(application: str, api: str, config: Path, note: str) -> None:
    """Refuse what an application has asked for."""
    _decide(load_or_exit(config), application, api, lambda of, one, _: of.refuse(one, api, getuser(), note))


@subscription.command()
@click.argument("application")
@click.argument("api")
@config_option
@_note_option
@prints_json
def end(application: str, api: str, config: Path, note: str) -> None:
    """End an approved subscription, at once."""
    _decide(load_or_exit(config), application, api, lambda of, one, _: of.end(one, api, getuser(), note))


def _decide(settings: Settings, application_id: str, api: str, decide: Decision) -> None:
    async def work(store: Store) -> Application:
        application = await store.applications.get(application_id)
        if application is None:
            raise GatepostError(f"there is no application {application_id!r}")
        asked = application.subscription(api)
        if asked is None:
            raise GatepostError(f"the application has no subscription to {api!r}")
        try:
            return await decide(subscriptions(settings, store, system_clock), application, asked)
        except SubscriptionRefused as error:
            # As a line of a command, not as a sentence of a page.
            text = str(error).rstrip(".")
            raise GatepostError(text[:1].lower() + text[1:]) from error

    changed = with_store(settings, work)
    now = changed.subscription(api)
    click.echo(json.dumps(None if now is None else _described(changed, now), indent=2))


def _described(application: Application, one: ApiSubscription) -> dict[str, Any]:
    return {
        "application": application.id,
        "name": application.name,
        "owner": application.owner_name or None,
        "api": one.api,
        "state": one.state,
        "scopes": list(one.scopes),
        "tier": one.tier or None,
        "note": one.note,
        "asked": rfc3339(one.asked),
        "asked_by": one.asked_by,
        "decided": rfc3339(one.decided),
        "decided_by": one.decided_by or None,
        "answer": one.answer,
    }


def _row(application: Application, one: ApiSubscription) -> tuple[str, ...]:
    facts = (one.api, one.state, " ".join(one.scopes), one.tier, rfc3339(one.asked))
    return application.id, application.name, *(fact or "-" for fact in facts)
