"""Users in the store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.oauth.user import User
from gateway.store import Store, UserChanged, UserExists
from gateway.store.users import read_user, write_user

ADA = User("Ada", "$argon2id$hash", admin=True, source="store", created=7)


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
