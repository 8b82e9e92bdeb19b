"""What may be filled in where subscriptions are asked for and decided."""

from __future__ import annotations

from dataclasses import replace

from gateway.accounts.subscriptions import SubscriptionWish
from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.user import User
from gateway.portal.services import SubscribableApi
from gateway.portal.subscription_forms import (
    decision_problems,
    open_apis,
    rows,
    subscribable,
    subscription_tiers,
    wish_problems,
)
from tests.portal.facts import facts

ORDERS = SubscribableApi("Orders", "", ("read",), ("/orders",))
FACTS = facts(subscribable=(ORDERS,), tiers=("gold", "small"), developer_tiers=("small",))
APPLICATION = Application("a", "Shop", "file:ann")


def test_a_wish_names_an_api_its_scopes_and_a_tier_that_may_be_chosen() -> None:
    tiers = subscription_tiers(FACTS, User("ann", ""))
    assert tiers == ("", "small")
    assert wish_problems(SubscriptionWish("Orders", ("read",), "small", "n"), ORDERS, tiers) == {}
    wrong = wish_problems(SubscriptionWish("Orders", ("write",), "gold", "n" * 513), ORDERS, tiers)
    assert wrong.keys() == {"scope", "tier", "note"}
    assert wish_problems(SubscriptionWish("Other"), subscribable(FACTS, "Other"), tiers).keys() == {"api"}


def test_a_decision_has_a_short_note_and_a_tier_that_is_there() -> None:
    assert decision_problems("", "gold", FACTS) == {}
    assert decision_problems("n" * 513, "none", FACTS).keys() == {"note", "tier"}


def test_who_was_refused_may_ask_again() -> None:
    asked = replace(APPLICATION, subscriptions=(ApiSubscription("Orders"),))
    again = replace(APPLICATION, subscriptions=(ApiSubscription("Orders", "refused"),))
    assert [open_apis(FACTS, one) for one in (APPLICATION, asked, again)] == [(ORDERS,), (), (ORDERS,)]


def test_what_waits_longest_comes_first_then_the_latest() -> None:
    given = (
        ApiSubscription("a", "approved", asked=1),
        ApiSubscription("b", asked=5),
        ApiSubscription("c", "refused", asked=3),
        ApiSubscription("d", asked=2),
    )
    found = rows([replace(APPLICATION, subscriptions=given)])
    assert [row.subscription.api for row in found] == ["d", "b", "c", "a"]
