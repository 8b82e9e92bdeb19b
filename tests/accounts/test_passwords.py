"""Passwords are kept as argon2 hashes."""

from __future__ import annotations

import asyncio

from argon2 import extract_parameters

from gateway.accounts.passwords import Passwords, hasher


async def test_a_password_matches_its_hash_and_no_other() -> None:
    passwords = Passwords()
    kept = await passwords.hash("correct horse")
    assert await passwords.verify(kept, "correct horse")
    assert not await passwords.verify(kept, "Correct horse")
    assert not await passwords.verify("no hash", "correct horse")


async def test_two_hashes_of_one_password_differ() -> None:
    passwords = Passwords()
    assert len(set(await asyncio.gather(*(passwords.hash("same") for _ in range(3))))) == 3


def test_a_hash_is_as_costly_as_is_advised() -> None:
    found = extract_parameters(hasher().hash("x"))
    assert (found.type.name, found.memory_cost >= 19_456, found.time_cost >= 2) == ("ID", True, True)
