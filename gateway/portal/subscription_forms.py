"""Asking for a subscription, and deciding of one: what may be filled in, by people and by programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.accounts.subscriptions import SubscriptionWish
from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.user import User
from gateway.portal.form_rules import offered_tiers
from gateway.portal.services import PortalInfo, SubscribableApi
from gateway.translation.text import gettext

LONGEST_NOTE = 512


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription with its application."""

    application: Application
    subscription: ApiSubscription


def subscribable(facts: PortalInfo, name: str) -> SubscribableApi | None:
    """The API of that name that needs a subscription; None: there is none."""
    return next((one for one in facts.subscribable if one.name == name), None)


def open_apis(facts: PortalInfo, application: Application) -> tuple[SubscribableApi, ...]:
    """The APIs that an application can ask for: it has not done so, or was refused."""
    asked = {one.api for one in application.subscriptions if one.holds}
    return tuple(one for one in facts.subscribable if one.name not in asked)


def subscription_tiers(facts: PortalInfo, user: User, asked: str = "") -> tuple[str, ...]:
    """The tiers that may be chosen; empty text is the application's own."""
    return offered_tiers(facts, user, asked)


def wish_problems(
    wish: SubscriptionWish, api: SubscribableApi | None, tiers: Sequence[str]
) -> dict[str, str]:
    """What is wrong with what somebody asks for, by field."""
    found = {}
    if api is None:
        found["api"] = gettext("There is no API of this name that needs a subscription.")
    elif not set(wish.scopes) <= set(api.scopes):
        found["scope"] = gettext("The API does not have one of these scopes.")
    if wish.tier not in tiers:
        found["tier"] = gettext("You may not choose this tier.")
    if problem := note_problem(wish.note):
        found["note"] = problem
    return found


def note_problem(note: str) -> str:
    """What is wrong with a note; empty: nothing."""
    return (
        gettext("A note has at most %(most)s characters.", most=LONGEST_NOTE)
        if len(note) > LONGEST_NOTE
        else ""
    )


def decision_problems(note: str, tier: str, facts: PortalInfo) -> dict[str, str]:
    """What is wrong with a decision, by field."""
    found = {
        "note": note_problem(note),
        "tier": "" if tier in ("", *facts.tiers) else gettext("There is no such tier."),
    }
    return {name: text for name, text in found.items() if text}


def rows(applications: Iterable[Application]) -> list[SubscriptionRow]:
    """All subscriptions; those that wait come first, the oldest of them before the others."""
    found = [SubscriptionRow(one, each) for one in applications for each in one.subscriptions]
    return sorted(found, key=_urgency)


def _urgency(row: SubscriptionRow) -> tuple[bool, int]:
    waits = row.subscription.state == "pending"
    return not waits, row.subscription.asked if waits else -row.subscription.asked
