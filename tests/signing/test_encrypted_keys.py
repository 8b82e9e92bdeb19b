import secrets

import pytest

from gateway.oauth.token_encryption import TokenCipher
from gateway.signing.encrypted_keys import PURPOSE, EncryptedKeys, KeysUnreadable
from gateway.signing.rotation_schedule import KeyRecord
from gateway.store import Store
from tests.conftest import Valkey

RECORDS = (KeyRecord("a", "ES256", "secret pem", 1, 2), KeyRecord("b", "RS256", "secret pem", 3))


async def test_keys_are_found_again(vault: EncryptedKeys) -> None:
    assert (await vault.read()).records == ()
    assert await vault.replace(None, RECORDS)
    assert (await vault.read()).records == RECORDS


async def test_who_read_an_older_state_changes_nothing(vault: EncryptedKeys) -> None:
    assert await vault.replace(None, RECORDS[:1])
    before = (await vault.read()).sealed
    assert not await vault.replace(None, RECORDS)
    assert await vault.replace(before, RECORDS)
    assert not await vault.replace(before, ())


async def test_the_store_never_sees_a_key(vault: EncryptedKeys, valkey: Valkey, prefix: str) -> None:
    await vault.replace(None, RECORDS)
    with valkey.client as client:
        (name,) = client.scan_iter(f"{prefix}*")
        value = client.get(name)
    assert isinstance(value, bytes)
    assert b"pem" not in value


async def test_another_gateways_keys_are_distinguished_from_damaged_ones_by_nobody(
    vault: EncryptedKeys, foreign_vault: EncryptedKeys, store: Store
) -> None:
    await vault.replace(None, RECORDS)
    with pytest.raises(KeysUnreadable, match=r"share tokens\.keys"):
        await foreign_vault.read()
    sealed = await vault.sealed()
    assert sealed is not None
    other = b"A" if sealed[-9:-8] != b"A" else b"B"
    await store.signing_keys.swap(sealed, sealed[:-9] + other + sealed[-8:])
    with pytest.raises(KeysUnreadable):
        await vault.read()


async def test_what_is_sealed_but_is_no_record_is_refused(vault: EncryptedKeys, store: Store) -> None:
    await store.signing_keys.swap(None, vault._seal.seal('{"keys":[{"kid":7}]}', PURPOSE))
    with pytest.raises(KeysUnreadable):
        await vault.read()


async def test_after_a_change_of_master_keys_they_are_encrypted_with_the_new_one(
    vault: EncryptedKeys, store: Store
) -> None:
    def with_keys(*keys: bytes) -> EncryptedKeys:
        return EncryptedKeys(store.signing_keys, TokenCipher(keys, secrets.token_bytes))

    await vault.replace(None, RECORDS)
    both, new = with_keys(b"n" * 32, b"k" * 32), with_keys(b"n" * 32)
    assert (await both.read()).records == RECORDS
    assert await both.renew()
    assert not await both.renew()
    assert (await new.read()).records == RECORDS
    with pytest.raises(KeysUnreadable):
        await vault.read()
