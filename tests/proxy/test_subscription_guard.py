"""Who may call an API with `access: request`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.accounts.static_clients import StaticClients
from gateway.http.exchange import Exchange
from gateway.http.problems import NOT_SUBSCRIBED, Problem
from gateway.oauth.model import Client, Subscription, TokenInfo
from gateway.proxy.pipeline import compile_pipeline, run_hooks, settled
from gateway.proxy.subscription_guard import SubscriptionGuard, subscription_guard_of
from tests.plugins.exchanges import CONTEXT, exchange
from tests.proxy.routing import route

SHOP = Client("shop", subscriptions=(Subscription("Billing"), Subscription("Orders", "gold")))
TOKEN = TokenInfo("shop", (), (), "shop", 0, 1, "", tier="bronze")
PORTAL = "https://gate.example/portal/subscriptions"


class Registered:
    """Clients of which some are cached."""

    def __init__(self, *, cached: tuple[Client, ...] = (), stored: tuple[Client, ...] = ()) -> None:
        self.cached = {one.id: one for one in cached}
        self._stored = {one.id: one for one in stored}
        self.asked: list[str] = []

    def known(self, client_id: str) -> Client | None:
        return self.cached.get(client_id)

    async def find(self, client_id: str) -> Client | None:
        self.asked.append(client_id)
        return self._stored.get(client_id)


async def called(clients: Registered | None, token: TokenInfo | None = TOKEN, portal: str = "") -> Exchange:
    guard = SubscriptionGuard("Orders", portal, replace(CONTEXT, registered=clients))
    sent = exchange(pipeline=compile_pipeline([guard]))
    sent.token = token
    await settled(run_hooks(sent.route.pipeline.on_authorized, sent))
    return sent


async def test_a_cached_subscriber_is_let_in_without_a_question_and_gets_its_tier() -> None:
    clients = Registered(cached=(SHOP,))
    found = (await called(clients)).token
    assert found == replace(TOKEN, tier="gold")
    assert clients.asked == []


def test_a_tier_is_given_anew_to_another_token_and_by_another_subscription() -> None:
    clients = Registered(cached=(SHOP,))
    guard = SubscriptionGuard("Orders", "", replace(CONTEXT, registered=clients))

    def judged(token: TokenInfo) -> TokenInfo | None:
        sent = exchange()
        sent.token = token
        guard.on_authorized(sent)
        return sent.token

    first = judged(TOKEN)
    assert judged(TOKEN) is first
    other = replace(TOKEN, subject="other")
    assert judged(other) == replace(other, tier="gold")
    assert judged(TOKEN) == first
    clients.cached["shop"] = replace(SHOP, subscriptions=(Subscription("Orders", "silver"),))
    assert judged(TOKEN) == replace(TOKEN, tier="silver")
    clients.cached["shop"] = replace(SHOP, subscriptions=(Subscription("Orders"),))
    assert judged(TOKEN) is TOKEN


async def test_a_subscriber_that_is_not_cached_is_asked_for() -> None:
    clients = Registered(stored=(replace(SHOP, subscriptions=(Subscription("Orders"),)),))
    assert (await called(clients)).token is TOKEN
    assert clients.asked == ["shop"]


@pytest.mark.parametrize(
    "clients",
    [
        Registered(cached=(replace(SHOP, subscriptions=(Subscription("Billing"),)),)),
        Registered(stored=(Client("shop"),)),
        Registered(),
        None,
    ],
)
async def test_all_others_are_told_how_to_ask(clients: Registered | None) -> None:
    with pytest.raises(Problem) as refused:
        await called(clients, portal=PORTAL)
    assert refused.value.kind == NOT_SUBSCRIBED
    assert refused.value.detail == f"This API needs a subscription. Ask for one at {PORTAL}."
    assert "no approved subscription to the API Orders" in str(refused.value)


async def test_nobody_is_let_in_whose_token_is_not_known() -> None:
    with pytest.raises(Problem) as refused:
        await called(Registered(cached=(SHOP,)), token=None)
    assert refused.value.detail == "This API needs a subscription. The gateway's operator grants them."


def test_the_file_alone_says_whether_its_clients_may_call() -> None:
    files = StaticClients([SHOP, Client("other")])
    guard = SubscriptionGuard("Orders", "", replace(CONTEXT, clients=files))
    assert guard.lacks_in_file(TOKEN) == ""
    assert guard.lacks_in_file(replace(TOKEN, client="of-the-store")) == ""
    assert (
        guard.lacks_in_file(replace(TOKEN, client="other"))
        == "the client other has no subscription to the API Orders"
    )


def test_an_open_route_has_no_guard() -> None:
    assert subscription_guard_of(route("/orders")) is None
    guard = SubscriptionGuard("Orders", "", CONTEXT)
    assert subscription_guard_of(route("/orders", pipeline=compile_pipeline([guard]))) is guard
    assert guard.summary() == "SubscriptionGuard (Orders)"
