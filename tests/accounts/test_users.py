"""Who a person is: users of the file and of the store, passwords, and who guesses them."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from gateway.accounts.passwords import Passwords
from gateway.accounts.users import TooManyAttempts, UserAuthentication, Users, WrongPassword
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.people import User
from gateway.store import Store, UserChanged, UserExists
from tests.services import Clock

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
ADDRESS = "192.0.2.1"


def users_of(store: Store, *of_file: User) -> Users:
    return Users(of_file, store.users, Passwords(CHEAP), Clock())


def door(users: Users, store: Store) -> UserAuthentication:
    return UserAuthentication(users, store.attempts, GuessingRules(pair_limit=3, first_delay=0.01))


async def test_a_user_of_the_file_signs_in_with_a_plain_or_a_hashed_password(store: Store) -> None:
    users = users_of(store, User("Ada", "engine", admin=True), User("bob", CHEAP.hash("builder")))
    judge = door(users, store)
    assert (await judge.authenticate("ada", "engine", ADDRESS)).admin
    assert (await judge.authenticate("BOB", "builder", ADDRESS)).name == "bob"


async def test_a_hash_is_no_password(store: Store) -> None:
    kept = CHEAP.hash("builder")
    with pytest.raises(WrongPassword):
        await door(users_of(store, User("bob", kept)), store).authenticate("bob", kept, ADDRESS)


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong"), ("nobody", "engine"), ("nobody", ""), ("", "")]
)
async def test_an_unknown_user_and_a_wrong_password_are_told_the_same(
    store: Store, name: str, password: str
) -> None:
    with pytest.raises(WrongPassword, match="unknown user or wrong password") as told:
        await door(users_of(store, User("ada", "engine")), store).authenticate(name, password, ADDRESS)
    assert told.value.delay > 0


async def test_who_guesses_is_shut_out_and_others_are_not(store: Store) -> None:
    judge = door(users_of(store, User("ada", "engine")), store)
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await judge.authenticate("ada", "guess", ADDRESS)
    with pytest.raises(TooManyAttempts) as told:
        await judge.authenticate("Ada", "engine", ADDRESS)
    assert 0 < told.value.retry_after <= 60
    assert (await judge.authenticate("ada", "engine", "198.51.100.9")).name == "ada"


async def test_a_new_user_is_kept_as_a_hash_and_found_in_any_case(store: Store) -> None:
    users = users_of(store)
    await users.create("Grace", "compiler")
    found = await users.find("grace")
    assert found is not None
    assert (found.name, found.source, found.admin) == ("Grace", "store", False)
    assert "compiler" not in found.password
    assert "compiler" not in repr(User("x", "compiler"))
    assert await users.has_password(found, "compiler")


async def test_a_name_is_taken_once_be_it_by_the_file_or_the_store(store: Store) -> None:
    users = users_of(store, User("ada", "engine"))
    await users.create("grace", "compiler")
    for taken in ("ADA", "Grace"):
        with pytest.raises(UserExists):
            await users.create(taken, "other")


async def test_a_changed_password_is_the_only_one(store: Store) -> None:
    users = users_of(store)
    before = await users.create("grace", "compiler")
    after = await users.change_password(before, "linker")
    assert await users.has_password(after, "linker")
    assert not await users.has_password(await users.find("grace"), "compiler")
    with pytest.raises(UserChanged):
        await users.change_password(before, "again")


async def test_a_password_of_any_length_costs_no_more_than_the_longest(store: Store) -> None:
    users = users_of(store, User("ada", "engine"))
    assert not await users.has_password(await users.find("ada"), "x" * 1025)
