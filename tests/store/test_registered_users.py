import pytest

from gateway.store import Store, registered_users


async def test_each_user_of_a_client_counts_once(store: Store) -> None:
    users = store.registered_users
    for user in ("ada", "ben", "ada"):
        await users.note("shop", user)
    await users.note("other", "ada")
    assert [await users.count(client) for client in ("shop", "other", "none")] == [2, 1, 0]


async def test_no_name_lies_in_the_store(store: Store, prefix: str) -> None:
    await store.registered_users.note("shop", "ada-lovelace")
    (member,) = await store.link.execute("SMEMBERS", f"{prefix}u:shop")
    assert b"ada-lovelace" not in member


async def test_the_count_does_not_grow_without_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered_users, "MOST", 3)
    for number in range(5):
        await store.registered_users.note("shop", f"user-{number}")
    assert await store.registered_users.count("shop") == 3


async def test_a_client_that_is_removed_has_none(store: Store) -> None:
    await store.registered_users.note("shop", "ada")
    await store.clients.delete("shop")
    assert await store.registered_users.count("shop") == 0
