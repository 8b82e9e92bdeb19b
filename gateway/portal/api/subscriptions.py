"""Subscriptions, as programs ask for them and decide of them."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.access import ApplicationRight
from gateway.accounts.subscriptions import SubscriptionWish
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.roles import allows
from gateway.portal.api.api_request import FORBIDDEN, NOT_FOUND, Call
from gateway.portal.api.paging import paged
from gateway.portal.api.request_bodies import DecisionBody, EndSubscriptionBody, SubscriptionBody
from gateway.portal.api.responses import STATUSES, answer, subscription_shape
from gateway.portal.subscription_forms import (
    SubscriptionRow,
    decision_problems,
    rows,
    subscribable,
    subscription_tiers,
    wish_problems,
)
from gateway.portal.versions import subscription_check, subscription_version

PATH = "/portal/api/v1/subscriptions"
NAMES = {"api": "apiId", "scope": "scopes", "tier": "throttlingPolicy", "note": "note"}


async def listing(call: Call) -> web.Response:
    """The subscriptions of the caller's applications; all of them for whoever decides."""
    query = call.request.query
    status = call.choice("status", STATUSES.values())
    found = [
        row
        for row in rows(await call.services.applications.search(call.user, right="subscriptions"))
        if query.get("applicationId", row.application.id) == row.application.id
        and query.get("apiId", row.subscription.api) == row.subscription.api
        and status in (None, STATUSES[row.subscription.state])
    ]
    return paged(call, found, lambda row: subscription_shape(row.application, row.subscription))


async def create(call: Call) -> web.Response:
    """Asks for a subscription of one of the caller's applications."""
    body, services = await call.body(SubscriptionBody), call.services
    application = await services.applications.find(call.user, body.applicationId)
    if application is None:
        raise Problem(BAD_REQUEST, "applicationId: there is no such application.")
    api = subscribable(services.facts, body.apiId)
    scopes = api.scopes if api is not None and body.scopes is None else tuple(body.scopes or ())
    tier = body.throttlingPolicy or ""
    tiers = subscription_tiers(services.facts, call.user)
    # WSO2's clients always name a tier.
    tier = "" if tier not in tiers and tier.lower() == "unlimited" else tier
    wish = SubscriptionWish(body.apiId, tuple(dict.fromkeys(scopes)), tier, body.note.strip())
    _raise_first(wish_problems(wish, api, tiers))
    made = await services.subscriptions.ask(application, wish, call.user.name)
    shape = subscription_shape(application, made)
    version = subscription_version(application, made)
    return answer(shape, 201, Location=f"{PATH}/{shape['subscriptionId']}", ETag=version)


async def show(call: Call) -> web.Response:
    """One subscription."""
    row = await _subscription(call)
    return _answered(row.application, row.subscription)


async def delete(call: Call) -> web.Response:
    """Removes a subscription. One that was approved ends at once."""
    row = await _subscription(call, "manage")
    check = subscription_check(call.if_match, row.application)
    await call.services.subscriptions.withdraw(row.application, row.subscription.api, check)
    return web.Response(status=204)


async def approve(call: Call) -> web.Response:
    """Approves a subscription. Only publishers and administrators may."""
    row, body = await _to_decide(call), await call.body(DecisionBody)
    tier = row.subscription.tier if body.throttlingPolicy is None else body.throttlingPolicy
    _raise_first(decision_problems(body.note, tier, call.services.facts))
    api = row.subscription.api
    decided = await call.services.subscriptions.approve(
        row.application,
        api,
        call.user.name,
        body.note.strip(),
        tier,
        subscription_check(call.if_match, row.application),
    )
    return _decided(decided, api)


async def refuse(call: Call) -> web.Response:
    """Refuses a subscription. Only publishers and administrators may."""
    row, body = await _to_decide(call), await call.body(EndSubscriptionBody)
    api = row.subscription.api
    decided = await call.services.subscriptions.refuse(
        row.application,
        api,
        call.user.name,
        body.note.strip(),
        subscription_check(call.if_match, row.application),
    )
    return _decided(decided, api)


async def end(call: Call) -> web.Response:
    """Ends an approved subscription. Only publishers and administrators may; its developer still sees it."""
    row, body = await _to_decide(call), await call.body(EndSubscriptionBody)
    api = row.subscription.api
    decided = await call.services.subscriptions.end(
        row.application,
        api,
        call.user.name,
        body.note.strip(),
        subscription_check(call.if_match, row.application),
    )
    return _decided(decided, api)


def _decided(application: Application, api: str) -> web.Response:
    one: ApiSubscription | None = application.subscription(api)
    if one is None:
        raise Problem(NOT_FOUND)
    return _answered(application, one)


def _answered(application: Application, one: ApiSubscription) -> web.Response:
    return answer(subscription_shape(application, one), ETag=subscription_version(application, one))


async def _to_decide(call: Call) -> SubscriptionRow:
    row = await _subscription(call)
    if not allows(call.user.role, "decide_subscriptions"):
        raise Problem(FORBIDDEN, "Only a publisher or an administrator may decide of subscriptions.")
    return row


async def _subscription(call: Call, right: ApplicationRight = "subscriptions") -> SubscriptionRow:
    application_id, _, key = call.request.match_info["subscriptionId"].partition("-")
    application = await call.services.applications.find(call.user, application_id, right)
    for one in application.subscriptions if application is not None else ():
        if application is not None and one.key == key:
            return SubscriptionRow(application, one)
    raise Problem(NOT_FOUND)


def _raise_first(problems: dict[str, str]) -> None:
    for name, text in problems.items():
        raise Problem(BAD_REQUEST, f"{NAMES[name]}: {text}")
