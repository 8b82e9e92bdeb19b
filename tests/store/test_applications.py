"""Applications in the store, and the clients that come and go with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.model import Client, Subscription
from gateway.store import ApplicationMissing, Store
from gateway.store.applications import read_application, write_application

ASKED = (
    ApiSubscription("Orders", "approved", ("a", "b"), "gold", "please", 5, "ada", 6, "root", "fine"),
    ApiSubscription("Billing"),
)
SHOP = Application("a1", "Shop", "ada", "sells", "gold", 7, subscriptions=ASKED)


async def test_an_application_is_read_back_listed_and_changed(store: Store) -> None:
    await store.applications.create(SHOP)
    await store.applications.create(replace(SHOP, id="a2", name="mail"))
    assert await store.applications.get("a1") == SHOP
    assert [one.name for one in await store.applications.list()] == ["mail", "Shop"]
    changed = await store.applications.update("a1", lambda one: replace(one, name="Store"))
    assert await store.applications.get("a1") == changed == replace(SHOP, name="Store")


async def test_keys_come_and_go_with_their_application(store: Store) -> None:
    await store.applications.create(SHOP)
    client = Client("c1", source="store", owner="ada", application="a1")
    await store.applications.update("a1", lambda one: replace(one, production="c1"), client)
    assert await store.clients.get("c1") == replace(client, subscriptions=(Subscription("Orders", "gold"),))
    await store.registered_users.note("c1", "somebody")
    await store.applications.delete("a1")
    assert await store.applications.get("a1") is None
    assert await store.clients.get("c1") is None
    assert await store.registered_users.count("c1") == 0


async def test_its_keys_change_in_the_same_step(store: Store) -> None:
    await store.applications.create(SHOP)
    for client_id, environment in (("c1", "production"), ("c2", "sandbox")):
        made = Client(client_id, source="store", application="a1")
        await store.applications.update(
            "a1", lambda one, e=environment, c=client_id: replace(one, **{e: c}), made
        )
    await store.clients.delete("c2")
    changed = await store.applications.update(
        "a1", lambda one: replace(one, tier="bronze"), change_client=lambda one: replace(one, tier="bronze")
    )
    kept = await store.clients.get("c1")
    assert (changed.tier, kept and kept.tier) == ("bronze", "bronze")
    assert await store.clients.get("c2") is None, "one that was removed stays so"


async def test_what_is_not_there_can_not_be_changed(store: Store) -> None:
    with pytest.raises(ApplicationMissing):
        await store.applications.update("nothing", lambda one: one)
    with pytest.raises(ApplicationMissing):
        await store.applications.delete("nothing")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"name":1,"owner":"x"}', b'{"name":"x"}'])
def test_a_malformed_record_is_no_application(data: bytes) -> None:
    assert read_application("a1", data) is None
    assert read_application("a1", write_application(SHOP).encode()) == SHOP
