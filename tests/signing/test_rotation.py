import asyncio

import pytest

from gateway.signing.encrypted_keys import EncryptedKeys, KeysUnreadable
from gateway.signing.rotation import KeyRules, ensure, replace_all, rotate
from gateway.signing.rotation_schedule import RotationRefused, signing, waiting
from tests.services import Clock

RULES = KeyRules("ES256", lead=600, longest=3600)


async def test_of_many_that_need_a_first_key_one_makes_it(vault: EncryptedKeys, clock: Clock) -> None:
    await asyncio.gather(*(ensure(vault, RULES, clock) for _ in range(20)))
    (record,) = (await vault.read()).records
    assert (record.algorithm, record.signs_from, record.ends) == ("ES256", int(clock.now), None)


async def test_a_key_that_is_there_is_enough(vault: EncryptedKeys, clock: Clock) -> None:
    await ensure(vault, RULES, clock)
    before = await vault.sealed()
    await ensure(vault, RULES, clock)
    assert await vault.sealed() == before


async def test_another_algorithm_begins_like_any_rotation(vault: EncryptedKeys, clock: Clock) -> None:
    await ensure(vault, RULES, clock)
    for _ in range(3):
        await ensure(vault, KeyRules("EdDSA", 600, 3600), clock)
    records = (await vault.read()).records
    assert [record.algorithm for record in records] == ["ES256", "EdDSA"]
    following = waiting(records, clock.now)
    assert following is not None
    assert following.signs_from == int(clock.now) + 600


async def test_a_rotation_adds_a_key_that_waits(vault: EncryptedKeys, clock: Clock) -> None:
    await ensure(vault, RULES, clock)
    old = signing((await vault.read()).records, clock.now)
    records = await rotate(vault, RULES, clock)
    assert signing(records, clock.now) == records[0]
    assert old is not None
    assert records[0].kid == old.kid
    with pytest.raises(RotationRefused):
        await rotate(vault, RULES, clock)


async def test_at_once_nothing_is_left_of_the_old_keys(
    vault: EncryptedKeys, foreign_vault: EncryptedKeys, clock: Clock
) -> None:
    await ensure(vault, RULES, clock)
    old = (await vault.read()).records
    (record,) = await replace_all(vault, RULES, clock)
    assert record.kid != old[0].kid
    assert (await vault.read()).records == (record,)
    # Also keys that can't be read: it is the way out.
    with pytest.raises(KeysUnreadable):
        await rotate(foreign_vault, RULES, clock)
    assert await replace_all(foreign_vault, RULES, clock) == (await foreign_vault.read()).records
