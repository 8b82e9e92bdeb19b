"""Passkeys in the store: for the person who is there, all changes at once, and gone with the person."""

from __future__ import annotations

import pytest

from gateway.oauth.passkey import Passkey
from gateway.oauth.user import User
from gateway.store import Store
from gateway.store.passkeys import PasskeysChanged, StoredPasskeys, read_passkeys, write_passkeys
from tests.conftest import Valkey

LAPTOP = Passkey("aWQ", "Laptop", "a2V5", 3, 100, 200, ("internal",))
PHONE = Passkey("aWQy", "Phone", "a2V5", 0, 100)


async def ada(store: Store) -> User:
    return await store.users.create(User("ada", "$argon2id$hash", source="store"))


async def test_passkeys_are_kept_and_counted(store: Store) -> None:
    user, heard = await ada(store), []
    store.changes.heard = lambda *facts: heard.append(facts)  # type: ignore[method-assign]
    await store.passkeys.replace(user, StoredPasskeys(), (LAPTOP, PHONE))
    found = await store.passkeys.read(user.id)
    assert found.passkeys == (LAPTOP, PHONE)
    assert await store.passkeys.counts([user.id, "store:none"]) == {user.id: 2}
    assert await store.passkeys.counts([]) == {}
    await store.passkeys.replace(user, found, (PHONE,))
    assert [(action, target) for action, target, _, _ in heard] == [
        ("passkey.add", user.id),
        ("passkey.add", user.id),
        ("passkey.remove", user.id),
    ]
    assert heard[2][2] == {"name": "Laptop", "id": "aWQ"}
    assert await store.passkeys.remove_all(user) == 1
    assert await store.passkeys.remove_all(user) == 0
    assert await store.passkeys.read(user.id) == StoredPasskeys()


async def test_of_two_who_write_at_once_one_reads_again(store: Store) -> None:
    user = await ada(store)
    await store.passkeys.replace(user, StoredPasskeys(), (LAPTOP,))
    with pytest.raises(PasskeysChanged):
        await store.passkeys.replace(user, StoredPasskeys(), (PHONE,))
    assert (await store.passkeys.read(user.id)).passkeys == (LAPTOP,)


async def test_who_is_gone_or_has_another_password_gets_none(store: Store) -> None:
    user = await ada(store)
    await store.users.replace(user, User("ada", "$argon2id$new", source="store"))
    with pytest.raises(PasskeysChanged):
        await store.passkeys.replace(user, StoredPasskeys(), (LAPTOP,))
    new = await store.users.get("ada")
    assert new is not None
    await store.passkeys.replace(new, StoredPasskeys(), (LAPTOP,))
    await store.users.delete("ada")
    assert await store.passkeys.read(user.id) == StoredPasskeys(), "they go with the account"
    with pytest.raises(PasskeysChanged):
        await store.passkeys.replace(new, StoredPasskeys(), (LAPTOP,))


async def test_forged_passkeys_are_none(store: Store, valkey: Valkey, prefix: str) -> None:
    user = await ada(store)
    with valkey.client as other:
        other.hset(f"{prefix}passkeys", user.id, write_passkeys([LAPTOP]))
    assert (await store.passkeys.read(user.id)).passkeys == ()
    assert await store.passkeys.counts([user.id]) == {}
    assert await store.passkeys.remove_all(user) == 0
    assert (await store.passkeys.read(user.id)).data == b""


@pytest.mark.parametrize("data", [b"", b"[]", b'{"passkeys":[{"id":1}]}', b'{"passkeys":{}}'])
def test_a_malformed_record_has_none(data: bytes) -> None:
    assert read_passkeys(data) == ()
    assert read_passkeys(write_passkeys([LAPTOP, PHONE]).encode()) == (LAPTOP, PHONE)
