"""Applications and their keys: who may see them, and how they change together."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable

import pytest

from gateway.accounts.applications import ApplicationRefused, Applications, KeySettings, KeysExist
from gateway.accounts.registry import ClientRegistry
from gateway.oauth.user import User
from gateway.store import Store
from tests.services import Clock

ADA, BOB, ROOT = (
    User(name, "x", "admin" if name == "root" else "developer", id=f"file:{name}")
    for name in ("ada", "bob", "root")
)


class Names:
    """All of them are there."""

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        return {one.id: one.name for one in (ADA, BOB, ROOT) if one.id in set(ids)}


SETTINGS = KeySettings(frozenset({"client_credentials"}), ("orders.read",), (), 60)


@pytest.fixture
def applications(store: Store) -> Applications:
    registry = ClientRegistry(store.clients, store.tokens, Clock(), secrets.token_bytes)
    return Applications(store.applications, store.clients, registry, Names(), store.teams, Clock())


async def test_each_sees_his_own_and_an_administrator_all(applications: Applications) -> None:
    made = await applications.create(ADA, "Shop", "sells")
    await applications.create(BOB, "Mail", "")
    assert [one.name for one in await applications.search(User("renamed", "x", id=ADA.id))] == ["Shop"]
    assert [one.name for one in await applications.search(ROOT)] == ["Mail", "Shop"]
    assert [one.name for one in await applications.search(ROOT, "sELL")] == ["Shop"]
    assert await applications.find(BOB, made.id) is None
    assert await applications.find(ROOT, made.id) == made


async def test_names_differ_within_an_owner(applications: Applications) -> None:
    shop = await applications.create(ADA, "Shop", "")
    await applications.create(BOB, "shop", "")
    other = await applications.create(ADA, "Other", "")
    with pytest.raises(ApplicationRefused):
        await applications.create(ADA, "SHOP", "")
    with pytest.raises(ApplicationRefused):
        await applications.edit(other, "shop", "")
    assert (await applications.edit(shop, "SHOP", "new")).name == "SHOP"


async def test_keys_belong_to_the_owner_and_are_made_once_however_often_asked(
    applications: Applications,
) -> None:
    shop = await applications.create(ADA, "Shop", "")
    asked = [applications.generate_keys(shop, "production", SETTINGS) for _ in range(5)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, KeysExist) for one in outcomes) == 4
    found = await applications.find(ADA, shop.id)
    assert found is not None
    client = await applications.client(found, "production")
    assert client is not None
    assert (client.owner, client.application, client.name) == (ADA.id, shop.id, "Shop (production)")
    assert (client.scopes, client.lifetime, len(client.secrets)) == (("orders.read",), 60, 1)
    assert await applications.client(found, "sandbox") is None


async def test_keys_that_were_removed_by_other_means_can_be_made_anew(
    applications: Applications, store: Store
) -> None:
    shop = await applications.create(ADA, "Shop", "")
    client, _ = await applications.generate_keys(shop, "sandbox", SETTINGS)
    await store.clients.delete(client.id)
    again = await applications.find(ADA, shop.id)
    assert again is not None
    other, _ = await applications.generate_keys(again, "sandbox", SETTINGS)
    assert other.id != client.id


async def test_cleaning_up_removes_the_keys_of_one_environment(applications: Applications) -> None:
    shop = await applications.create(ADA, "Shop", "")
    for environment in ("production", "sandbox"):
        await applications.generate_keys(shop, environment, SETTINGS)
        found = await applications.find(ADA, shop.id)
        assert found is not None
        shop = found
    await applications.clean_up(shop, "production")
    left = await applications.find(ADA, shop.id)
    assert left is not None
    assert (left.production, left.sandbox) == (None, shop.sandbox)
