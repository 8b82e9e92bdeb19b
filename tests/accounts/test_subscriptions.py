"""Subscriptions and the keys that call by them."""

from __future__ import annotations

import secrets

import pytest

from gateway.accounts.applications import Applications, KeySettings
from gateway.accounts.registry import ClientRegistry
from gateway.accounts.subscriptions import MAX_SUBSCRIPTIONS, ApiSubscriptions, SubscriptionWish
from gateway.oauth.api_subscription import SubscriptionRefused
from gateway.oauth.application import Application
from gateway.oauth.model import Client, Subscription, TokenInfo
from gateway.oauth.user import User
from gateway.store import Store, TokenDraft
from tests.accounts.test_applications import Names
from tests.services import Clock

ADA = User("ada", "x", id="file:ada")
WISH = SubscriptionWish("Orders", ("orders.read", "orders.admin"), "small", "please")


@pytest.fixture
def applications(store: Store) -> Applications:
    return Applications(store.applications, store.clients, registry(store), Names(), store.teams, Clock())


@pytest.fixture
def subscriptions(store: Store) -> ApiSubscriptions:
    return ApiSubscriptions(store.applications, registry(store), Clock(), ("orders.read",))


def registry(store: Store) -> ClientRegistry:
    return ClientRegistry(store.clients, store.tokens, Clock(), secrets.token_bytes)


async def keys(applications: Applications, application: Application) -> Client:
    settings = KeySettings(frozenset({"client_credentials"}), ("orders.read",), (), None)
    client, _ = await applications.generate_keys(application, "production", settings)
    return client


async def test_keys_get_the_subscription_and_its_scopes_once_it_is_approved(
    store: Store, applications: Applications, subscriptions: ApiSubscriptions
) -> None:
    made = await applications.create(ADA, "Shop", "")
    client = await keys(applications, made)
    asked = await subscriptions.ask(made, WISH, "ada")
    assert (asked.state, asked.note, asked.asked_by) == ("pending", "please", "ada")
    before = await store.clients.get(client.id)
    assert before is not None
    assert before.subscriptions == ()
    await subscriptions.approve(made, "Orders", "root", "fine", "gold")
    after = await store.clients.get(client.id)
    assert after is not None
    assert after.subscriptions == (Subscription("Orders", "gold"),)
    assert after.scopes == ("orders.read", "orders.admin")
    assert (await store.applications.list())[0].subscription("Orders") is not None


async def test_keys_that_are_made_later_have_what_is_approved(
    store: Store, applications: Applications, subscriptions: ApiSubscriptions
) -> None:
    made = await applications.create(ADA, "Shop", "")
    await subscriptions.ask(made, WISH, "ada")
    await subscriptions.approve(made, "Orders", "root", "", "")
    # What the page was shown of the application is older than the approval.
    client = await keys(applications, made)
    found = await store.clients.get(client.id)
    assert found is not None
    assert found.subscriptions == (Subscription("Orders"),)


@pytest.mark.parametrize("by_developer", [True, False])
async def test_an_ended_subscription_takes_its_scopes_and_the_tokens_that_have_them(
    store: Store, applications: Applications, subscriptions: ApiSubscriptions, by_developer: bool
) -> None:
    made = await applications.create(ADA, "Shop", "")
    client = await keys(applications, made)
    await subscriptions.ask(made, WISH, "ada")
    await subscriptions.approve(made, "Orders", "root", "", "")
    facts = TokenInfo(client.id, ("orders.admin",), (), client.id, 0, 60, "", source="store")
    await store.tokens.issue(TokenDraft("t" * 43, facts, 60))
    assert await store.tokens.facts("t" * 43) is not None
    if by_developer:
        now = await subscriptions.withdraw(made, "Orders")
        assert now.subscriptions == ()
    else:
        now = await subscriptions.end(made, "Orders", "root", "over")
        assert [(one.state, one.answer) for one in now.subscriptions] == [("ended", "over")]
    after = await store.clients.get(client.id)
    assert after is not None
    # What developers may give their keys themselves stays.
    assert (after.subscriptions, after.scopes) == ((), ("orders.read",))
    assert await store.tokens.facts("t" * 43) is None


async def test_what_another_subscription_gives_stays(
    store: Store, applications: Applications, subscriptions: ApiSubscriptions
) -> None:
    made = await applications.create(ADA, "Shop", "")
    client = await keys(applications, made)
    for api in ("Orders", "Returns"):
        await subscriptions.ask(made, SubscriptionWish(api, ("orders.admin",)), "ada")
        await subscriptions.approve(made, api, "root", "", "")
    await subscriptions.end(made, "Orders", "root", "")
    after = await store.clients.get(client.id)
    assert after is not None
    assert after.subscriptions == (Subscription("Returns"),)
    assert "orders.admin" in after.scopes


async def test_nobody_asks_twice_unless_it_was_refused(
    applications: Applications, subscriptions: ApiSubscriptions
) -> None:
    made = await applications.create(ADA, "Shop", "")
    await subscriptions.ask(made, WISH, "ada")
    with pytest.raises(SubscriptionRefused, match="already"):
        await subscriptions.ask(made, WISH, "ada")
    await subscriptions.refuse(made, "Orders", "root", "not yet")
    again = await subscriptions.ask(made, WISH, "ada")
    assert (again.state, again.answer) == ("pending", "")
    await subscriptions.withdraw(made, "Orders")
    with pytest.raises(SubscriptionRefused, match="no such subscription"):
        await subscriptions.approve(made, "Orders", "root", "", "")


async def test_an_application_asks_for_so_many_apis_only(
    applications: Applications, subscriptions: ApiSubscriptions
) -> None:
    made = await applications.create(ADA, "Shop", "")
    for number in range(MAX_SUBSCRIPTIONS):
        await subscriptions.ask(made, SubscriptionWish(f"API {number}"), "ada")
    with pytest.raises(SubscriptionRefused, match="at the most"):
        await subscriptions.ask(made, WISH, "ada")


async def test_each_step_is_heard_for_the_audit_log(
    store: Store, applications: Applications, subscriptions: ApiSubscriptions
) -> None:
    made = await applications.create(ADA, "Shop", "")
    heard: list[tuple[str, str, object, object]] = []
    store.changes.heard = lambda *entry: heard.append(entry)  # type: ignore[method-assign]
    await subscriptions.ask(made, WISH, "ada")
    await subscriptions.approve(made, "Orders", "root", "", "")
    await subscriptions.end(made, "Orders", "root", "")
    await subscriptions.withdraw(made, "Orders")
    await subscriptions.ask(made, WISH, "ada")
    await subscriptions.refuse(made, "Orders", "root", "")
    actions = [action.partition(".")[2] for action, *_ in heard]
    assert actions == ["request", "approve", "end", "withdraw", "request", "refuse"]
    assert {target for _, target, *_ in heard} == {made.id}
    states = [(getattr(before, "state", None), getattr(after, "state", None)) for *_, before, after in heard]
    assert states == [
        (None, "pending"),
        ("pending", "approved"),
        ("approved", "ended"),
        ("ended", None),
        (None, "pending"),
        ("pending", "refused"),
    ]
