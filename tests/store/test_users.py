"""Users in the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.oauth.user import User
from gateway.store import Store, UserChanged, UserExists
from gateway.store.users import LastAdministrator, read_user, write_user

ADA = User("Ada", "$argon2id$hash", role="admin", source="store", created=7)


async def test_a_user_is_found_in_any_case_until_removed(store: Store) -> None:
    made = await store.users.create(ADA)
    assert replace(made, id="", generation="") == ADA
    assert made.id.startswith("store:")
    assert await store.users.get("aDA") == made == await store.users.get_by_id(made.id)
    assert await store.users.delete("ADA")
    assert await store.users.get("ada") is None is await store.users.get_by_id(made.id)
    assert not await store.users.delete("ada")


async def test_a_name_is_taken_once(store: Store) -> None:
    await store.users.create(ADA)
    with pytest.raises(UserExists):
        await store.users.create(User("ADA", "other", source="store"))


async def test_a_user_that_changed_meanwhile_is_not_written_over(store: Store) -> None:
    made = await store.users.create(ADA)
    changed = await store.users.replace(made, User("Ada", "new", source="store"))
    with pytest.raises(UserChanged):
        await store.users.replace(made, changed)
    assert await store.users.get("ada") == changed
    assert (changed.id, changed.password) == (made.id, "new")
    assert changed.generation != made.generation


@pytest.mark.parametrize("data", [b"", b"[]", b'{"name":1,"password":"x"}', b'{"name":"x"}'])
def test_a_malformed_record_is_nobodys(data: bytes) -> None:
    assert read_user(data) is None
    assert read_user(write_user(ADA).encode()) == ADA


async def test_a_role_is_kept_and_a_record_of_an_earlier_version_has_one(store: Store) -> None:
    made = await store.users.create(User("eve", "x", "viewer", source="store"))
    assert made.role == "viewer"
    found = await store.users.get("eve")
    assert found is not None
    assert found.role == "viewer"
    for record, role in ((b'"admin":true', "admin"), (b'"admin":false', "developer")):
        read = read_user(b'{"name":"ann","password":"x",' + record + b"}")
        assert read is not None
        assert read.role == role
    assert read_user(b'{"name":"ann","password":"x","role":"god"}') is None


async def test_of_two_administrators_who_lose_the_role_at_once_one_keeps_it(store: Store) -> None:
    both = [await store.users.create(User(one, "x", "admin", source="store")) for one in ("ada", "bob")]
    await store.users.create(User("blocked", "x", "admin", source="store", blocked=True))
    losing = (store.users.replace(one, replace(one, role="viewer"), needs_admin=True) for one in both)
    outcomes = await asyncio.gather(*losing, return_exceptions=True)
    assert sum(isinstance(one, LastAdministrator) for one in outcomes) == 1
    assert sorted(one.role for one in await store.users.list() if not one.blocked) == ["admin", "viewer"]
