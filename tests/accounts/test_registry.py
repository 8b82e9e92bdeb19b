import secrets
from dataclasses import replace

import pytest

from gateway.accounts.registry import (
    MAX_SECRETS,
    SECRET_PREFIX,
    ClientRegistry,
    SecretRefused,
    new_client_id,
)
from gateway.oauth.client_auth import secret_matches
from gateway.oauth.model import Client
from gateway.store import ClientExists, ClientMissing, Store
from tests.services import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(store: Store, clock: Clock) -> ClientRegistry:
    return ClientRegistry(store.clients, store.tokens, clock, secrets.token_bytes)


async def live(store: Store, secret: str, now: float) -> bool:
    return secret_matches(await store.clients.get("orders-app"), secret, now)


async def test_a_new_clients_secret_is_right_and_is_not_kept(
    store: Store, registry: ClientRegistry, clock: Clock
) -> None:
    made, secret = await registry.create(Client("orders-app", scopes=("orders.read",)))
    assert secret.startswith(SECRET_PREFIX)
    assert len(secret) == len(SECRET_PREFIX) + 43
    assert made.source == "store"
    assert await live(store, secret, clock())
    assert secret.encode() not in repr(await store.clients.list()).encode()


async def test_an_id_is_given_once(registry: ClientRegistry) -> None:
    await registry.create(Client("orders-app"))
    with pytest.raises(ClientExists):
        await registry.create(Client("orders-app"))
    assert new_client_id() != new_client_id()


async def test_rotation_ends_the_old_secret_at_once_without_grace(
    store: Store, registry: ClientRegistry, clock: Clock
) -> None:
    _, old = await registry.create(Client("orders-app"))
    new = await registry.rotate_secret("orders-app", 0)
    assert await live(store, new, clock())
    assert not await live(store, old, clock())


async def test_both_secrets_live_until_the_grace_is_over(
    store: Store, registry: ClientRegistry, clock: Clock
) -> None:
    _, old = await registry.create(Client("orders-app"))
    new = await registry.rotate_secret("orders-app", 60)
    assert await live(store, old, clock() + 59)
    assert not await live(store, old, clock() + 60)
    assert await live(store, new, clock() + 10**6)


async def test_a_second_rotation_does_not_prolong_a_secret_that_ends(
    store: Store, registry: ClientRegistry, clock: Clock
) -> None:
    _, old = await registry.create(Client("orders-app"))
    await registry.rotate_secret("orders-app", 60)
    await registry.rotate_secret("orders-app", 600)
    assert not await live(store, old, clock() + 60)


async def test_a_client_that_is_not_there_cannot_be_changed(registry: ClientRegistry) -> None:
    with pytest.raises(ClientMissing):
        await registry.rotate_secret("nobody", 0)
    assert not await registry.delete("nobody")


async def test_several_secrets_live_side_by_side_until_one_ends_or_is_removed(
    store: Store, registry: ClientRegistry, clock: Clock
) -> None:
    _, first = await registry.create(Client("orders-app"))
    second = await registry.add_secret("orders-app", "second", int(clock()) + 60)
    third = await registry.add_secret("orders-app", "third")
    assert [await live(store, one, clock()) for one in (first, second, third)] == [True] * 3
    assert not await live(store, second, clock() + 60)
    await registry.remove_secret("orders-app", "third")
    assert not await live(store, third, clock())
    assert await live(store, first, clock())


async def test_each_secret_has_a_name_of_its_own(store: Store, registry: ClientRegistry) -> None:
    await registry.create(Client("orders-app"))
    await registry.add_secret("orders-app")
    await registry.add_secret("orders-app", "mine")
    found = await store.clients.get("orders-app")
    assert found is not None
    names = [secret.name for secret in found.secrets]
    assert len({*names}) == 3
    assert all(names)
    with pytest.raises(SecretRefused):
        await registry.add_secret("orders-app", "mine")
    with pytest.raises(SecretRefused):
        await registry.remove_secret("orders-app", "unknown")


async def test_a_client_has_no_more_secrets_than_it_may_however_often_they_change(
    store: Store, registry: ClientRegistry, clock: Clock
) -> None:
    await registry.create(Client("orders-app"))
    for _ in range(MAX_SECRETS - 1):
        await registry.add_secret("orders-app")
    with pytest.raises(SecretRefused):
        await registry.add_secret("orders-app")
    for _ in range(3):
        newest = await registry.rotate_secret("orders-app", 60)
    found = await store.clients.get("orders-app")
    assert found is not None
    assert len(found.secrets) == MAX_SECRETS
    assert await live(store, newest, clock() + 10**6)
    # What has ended makes room.
    clock.now += 61
    assert await live(store, await registry.add_secret("orders-app"), clock())


async def test_a_disabled_client_is_refused_until_it_is_enabled(
    store: Store, registry: ClientRegistry, clock: Clock
) -> None:
    _, secret = await registry.create(Client("orders-app"))
    await registry.disable("orders-app")
    assert not await live(store, secret, clock())
    await registry.enable("orders-app")
    assert await live(store, secret, clock())


async def test_a_client_that_changes_its_registration_keeps_what_an_operator_has_given_it(
    store: Store, registry: ClientRegistry
) -> None:
    given = Client("robot", "Robot", scopes=("a",), registration="ab", networks=("10.0.0.0/8",), tier="slow")
    await registry.create(replace(given, audiences=("https://a.example",), claims='{"tenant":"acme"}'))
    key = await registry.add_api_key("robot")
    wanted = Client("robot", "Machine", scopes=("b",), auth=frozenset({"client_secret_post"}))
    changed, secret = await registry.replace_registration("robot", wanted)
    assert (changed.name, changed.scopes, changed.auth) == ("Machine", ("b",), wanted.auth)
    assert secret is None
    assert (changed.networks, changed.tier, changed.registration) == (("10.0.0.0/8",), "slow", "ab")
    assert (changed.audiences, changed.claims) == (("https://a.example",), '{"tenant":"acme"}')
    assert [one.prefix for one in changed.api_keys] == [key[:12]]
