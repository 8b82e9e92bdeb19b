"""Users in the store."""

from __future__ import annotations

import pytest

from gateway.oauth.people import User
from gateway.store import Store, UserChanged, UserExists
from gateway.store.users import read_user, write_user

ADA = User("Ada", "$argon2id$hash", admin=True, source="store", created=7)


async def test_a_user_is_found_in_any_case_until_removed(store: Store) -> None:
    await store.users.create(ADA)
    assert await store.users.get("aDA") == ADA
    assert await store.users.delete("ADA")
    assert await store.users.get("ada") is None
    assert not await store.users.delete("ada")


async def test_a_name_is_taken_once(store: Store) -> None:
    await store.users.create(ADA)
    with pytest.raises(UserExists):
        await store.users.create(User("ADA", "other", source="store"))


async def test_a_user_that_changed_meanwhile_is_not_written_over(store: Store) -> None:
    await store.users.create(ADA)
    changed = User("Ada", "new", source="store")
    await store.users.replace(ADA, changed)
    with pytest.raises(UserChanged):
        await store.users.replace(ADA, changed)
    assert await store.users.get("ada") == changed


@pytest.mark.parametrize("data", [b"", b"[]", b'{"name":1,"password":"x"}', b'{"name":"x"}'])
def test_a_malformed_record_is_nobodys(data: bytes) -> None:
    assert read_user(data) is None
    assert read_user(write_user(ADA).encode()) == ADA
