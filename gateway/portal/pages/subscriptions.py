"""Subscriptions to APIs: asked for by developers, decided by publishers and administrators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from gateway.accounts.access import ApplicationRight
from gateway.accounts.subscriptions import SubscriptionWish
from gateway.oauth.api_subscription import ApiSubscription, SubscriptionRefused
from gateway.oauth.application import Application
from gateway.portal.listing import listed
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.pages.applications import the_application
from gateway.portal.subscription_forms import (
    SubscriptionRow,
    decision_problems,
    note_problem,
    open_apis,
    rows,
    subscribable,
    subscription_tiers,
    wish_problems,
)
from gateway.portal.versions import VersionDiffers, subscription_check, subscription_version
from gateway.translation.text import gettext

MOST_SHOWN = 200
_PATH = "/portal/subscriptions"
_COLUMNS: dict[str, Callable[[SubscriptionRow], Any]] = {
    "api": lambda row: row.subscription.api.casefold(),
    "application": lambda row: row.application.name.casefold(),
    "owner": lambda row: row.application.owner_name.casefold(),
    "state": lambda row: row.subscription.state,
    "asked": lambda row: row.subscription.asked,
}

Decide = Callable[[Application, str, str, str, Callable[[ApiSubscription], None]], Awaitable[Application]]


async def show(page_request: PageRequest) -> web.StreamResponse:
    """One's subscriptions, those of all for whoever decides, and the APIs that need one."""
    search = page_request.searched
    applications = page_request.services.applications
    found = rows(await applications.search(page_request.user, right="subscriptions"))
    facts = page_request.services.facts
    if not facts.subscribable and not found:
        raise PageNotFound
    seen = [
        one
        for one in found
        if search in f"{one.application.name} {one.application.owner_name} {one.subscription.api}".lower()
    ]
    waiting = [one for one in seen if one.subscription.state == "pending"]
    others = [one for one in seen if one.subscription.state != "pending"]
    return page_request.page(
        "subscriptions.html",
        waiting=waiting[:MOST_SHOWN],
        others=listed(others, page_request.request.query, _COLUMNS, _PATH),
        search=search,
        any_found=bool(found),
    )


async def new_form(page_request: PageRequest) -> web.StreamResponse:
    """The form that asks for a subscription: first the API, where none is chosen yet."""
    return await _form(page_request, page_request.query("api"), page_request.query("application"), {})


async def ask(page_request: PageRequest) -> web.StreamResponse:
    """Asks for a subscription of one of one's own applications."""
    user, fields, services = page_request.user, await page_request.fields(), page_request.services
    application = await services.applications.find(user, fields.raw("application"))
    note = fields.text("note").replace("\r\n", "\n")
    wish = SubscriptionWish(fields.raw("api"), fields.ticked("scope"), fields.raw("tier"), note)
    tiers = subscription_tiers(services.facts, user)
    problems = wish_problems(wish, subscribable(services.facts, wish.api), tiers)
    if application is None:
        problems["application"] = gettext("Choose one of your applications.")
    if application is not None and not problems:
        try:
            made = await services.subscriptions.ask(application, wish, user.name)
        except SubscriptionRefused as error:
            problems["application"] = str(error)
        else:
            return redirect_to(_path(application, made), "asked")
    return await _form(page_request, wish.api, fields.raw("application"), problems, wish)


async def _form(
    page_request: PageRequest,
    name: str,
    chosen: str,
    problems: dict[str, str],
    wish: SubscriptionWish | None = None,
) -> web.Response:
    user, services = page_request.user, page_request.services
    api = subscribable(services.facts, name)
    if name and api is None:
        raise PageNotFound
    applications = [
        one
        for one in await services.applications.search(user)
        if api is None or api in open_apis(services.facts, one)
    ]
    if api is not None and wish is None:
        wish = SubscriptionWish(api.name, api.scopes)
    return page_request.page(
        "subscribe.html",
        422 if problems else 200,
        api=api,
        applications=applications[:MOST_SHOWN],
        chosen=chosen,
        wish=wish,
        tiers=subscription_tiers(services.facts, user),
        problems=problems,
    )


async def detail(page_request: PageRequest) -> web.StreamResponse:
    """One subscription, with what can be done with it."""
    return await _detail(page_request, *await _subscription(page_request), {})


async def _detail(
    page_request: PageRequest,
    application: Application,
    one: ApiSubscription,
    problems: dict[str, str],
    note: str = "",
    tier: str | None = None,
    *,
    changed: bool = False,
) -> web.Response:
    facts, user = page_request.services.facts, page_request.user
    manages = await page_request.services.applications.find(user, application.id) is not None
    return page_request.page(
        "subscription.html",
        409 if changed else 422 if problems else 200,
        changed=changed,
        seen=subscription_version(application, one),
        tier=one.tier if tier is None else tier,
        application=application,
        one=one,
        manages=manages,
        api=subscribable(facts, one.api),
        tiers=subscription_tiers(facts, user, one.tier),
        problems=problems,
        note=note,
        base=_path(application, one),
    )


async def approve(page_request: PageRequest) -> web.StreamResponse:
    """Lets the application's keys call the API."""
    application, one = await _subscription(page_request)
    fields, services = await page_request.fields(), page_request.services
    note = fields.text("note").replace("\r\n", "\n")
    tier = fields.raw("tier") if fields.has("tier") else one.tier
    if problems := decision_problems(note, tier, services.facts):
        return await _detail(page_request, application, one, problems, note, tier)
    by, check = page_request.user.name, subscription_check(fields.raw("seen") or None, application)
    try:
        await services.subscriptions.approve(application, one.api, by, note, tier, check)
    except VersionDiffers:
        return await _detail(page_request, *await _subscription(page_request), {}, note, tier, changed=True)
    return redirect_to(_path(application, one), "subscription-approved")


async def refuse(page_request: PageRequest) -> web.StreamResponse:
    """Refuses what was asked for."""
    decide = page_request.services.subscriptions.refuse
    return await _noted(page_request, "subscription-refused", decide)


async def end(page_request: PageRequest) -> web.StreamResponse:
    """Ends an approved subscription; its developer still sees it, with the note."""
    return await _noted(page_request, "subscription-ended", page_request.services.subscriptions.end)


async def withdraw(page_request: PageRequest) -> web.StreamResponse:
    """Removes a subscription of one's own application. One that was approved ends at once."""
    application, one = await _subscription(page_request, "manage")
    await page_request.fields()
    await page_request.services.subscriptions.withdraw(application, one.api)
    return redirect_to(f"/portal/applications/{application.id}", "withdrawn")


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to a form."""
    return redirect_to(_path(*await _subscription(page_request)))


async def _noted(page_request: PageRequest, done: str, decide: Decide) -> web.StreamResponse:
    application, one = await _subscription(page_request)
    fields = await page_request.fields()
    note = fields.text("note").replace("\r\n", "\n")
    if problem := note_problem(note):
        return await _detail(page_request, application, one, {"note": problem}, note)
    check = subscription_check(fields.raw("seen") or None, application)
    try:
        await decide(application, one.api, page_request.user.name, note, check)
    except VersionDiffers:
        return await _detail(page_request, *await _subscription(page_request), {}, note, changed=True)
    return redirect_to(_path(application, one), done)


async def _subscription(
    page_request: PageRequest, right: ApplicationRight = "subscriptions"
) -> tuple[Application, ApiSubscription]:
    application = await the_application(page_request, right)
    key = page_request.request.match_info["subscription"]
    for one in application.subscriptions:
        if one.key == key:
            return application, one
    raise PageNotFound


def _path(application: Application, one: ApiSubscription) -> str:
    return f"/portal/applications/{application.id}/subscriptions/{one.key}"
