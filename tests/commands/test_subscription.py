"""`gatepost subscription …`: subscriptions, decided from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.accounts.subscriptions import SubscriptionWish
from gateway.assembly.subscriptions import subscriptions
from gateway.clock import system_clock
from gateway.commands.options import load
from gateway.commands.store_access import with_store
from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.store import Store
from tests.commands.conftest import gatepost, said, shown


@pytest.fixture
def asked(file: Path) -> str:
    """The id of an application that has asked for an API, with keys."""
    settings = load(file)

    async def work(store: Store) -> None:
        application = Application("App1", "Shop", "file:ann", production="key", owner_name="ann")
        await store.applications.create(application)
        await store.clients.create(Client("key", source="store", application="App1", owner="file:ann"))
        wish = SubscriptionWish("Orders", ("orders.read",), "", "for the shop")
        await subscriptions(settings, store, system_clock).ask(application, wish, "ann")

    with_store(settings, work)
    return "App1"


def test_a_subscription_is_listed_approved_and_ended(asked: str) -> None:
    (waiting,) = shown("subscription", "list", "--state", "pending", "--json")
    assert (waiting["application"], waiting["api"], waiting["note"]) == (asked, "Orders", "for the shop")
    approved = shown("subscription", "approve", asked, "Orders", "--note", "fine")
    assert (approved["state"], approved["answer"]) == ("approved", "fine")
    assert shown("client", "show", "key")["subscriptions"] == ["Orders"]
    row = gatepost("subscription", "list").stdout.splitlines()[1]
    assert row.split()[:5] == ["App1", "Shop", "Orders", "approved", "orders.read"]
    assert shown("subscription", "end", asked, "Orders", "--note", "over")["state"] == "ended"
    assert "subscriptions" not in shown("client", "show", "key")


def test_a_subscription_is_refused_once(asked: str) -> None:
    assert shown("subscription", "refuse", asked, "Orders")["state"] == "refused"
    assert "is refused, not pending" in said("subscription", "approve", asked, "Orders")


def test_what_is_not_there_is_said(asked: str) -> None:
    assert "no application 'none'" in said("subscription", "approve", "none", "Orders")
    assert "no subscription to 'Other'" in said("subscription", "end", asked, "Other")
    assert gatepost("subscription", "approve", asked, "Orders", "--tier", "gold").exit_code == 2
    assert gatepost("subscription", "refuse", asked, "Orders", "--note", "n" * 513).exit_code == 2


def test_the_subscriptions_of_an_application_s_keys_are_not_the_client_s(asked: str) -> None:
    assert "gatepost subscription" in said("client", "update", "key", "--unset", "subscriptions")
