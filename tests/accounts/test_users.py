"""Who a person is: users of the file and of the store, passwords, and who guesses them."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher

from gateway.accounts.attempt_limiter import AttemptLimiter, TooManyAttempts
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import UserAuthentication, Users, WrongPassword
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.user import User
from gateway.store import Store, UserChanged, UserExists
from tests.services import Clock, known_users

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
ADDRESS = "192.0.2.1"


def users_of(store: Store, *of_file: User) -> Users:
    return Users(known_users(*of_file), store.users, Passwords(CHEAP), Clock())


def door(users: Users, store: Store) -> UserAuthentication:
    rules = LockoutPolicy(pair_limit=3, first_delay=0.01)
    return UserAuthentication(users, AttemptLimiter("people", store.attempts, rules))


async def has_password(users: Users, user: User | None, password: str) -> bool:
    async with users.turn(ADDRESS) as hashing:
        return await users.has_password(user, password, hashing)


async def test_a_user_of_the_file_signs_in_with_a_plain_or_a_hashed_password(store: Store) -> None:
    users = users_of(store, User("Ada", "engine", role="admin"), User("bob", CHEAP.hash("builder")))
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
async def test_an_unknown_user_and_a_wrong_password_are_answered_alike(
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
    await users.create("Grace", "compiler", ADDRESS)
    found = await users.find("grace")
    assert found is not None
    assert (found.name, found.source, found.admin) == ("Grace", "store", False)
    assert "compiler" not in found.password
    assert "compiler" not in repr(User("x", "compiler"))
    assert await has_password(users, found, "compiler")


async def test_a_name_is_taken_once_be_it_by_the_file_or_the_store(store: Store) -> None:
    users = users_of(store, User("ada", "engine"))
    await users.create("grace", "compiler", ADDRESS)
    for taken in ("ADA", "Grace"):
        with pytest.raises(UserExists):
            await users.create(taken, "other", ADDRESS)


async def test_a_changed_password_is_the_only_one(store: Store) -> None:
    users = users_of(store)
    before = await users.create("grace", "compiler", ADDRESS)
    after = await users.change_password(before, "linker", ADDRESS)
    assert await has_password(users, after, "linker")
    assert not await has_password(users, await users.find("grace"), "compiler")
    with pytest.raises(UserChanged):
        await users.change_password(before, "again", ADDRESS)


async def test_a_password_of_any_length_costs_no_more_than_the_longest(store: Store) -> None:
    users = users_of(store, User("ada", "engine"))
    assert not await has_password(users, await users.find("ada"), "x" * 1025)


async def test_passwords_of_the_file_are_hashed_before_any_is_compared(store: Store) -> None:
    """Else the first attempt at each name would take twice as long if there is somebody of that name."""
    hashed: list[str] = []

    class Counting(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            hashed.append(str(password))
            return super().hash(password, salt=salt)

    argon2 = Counting(time_cost=1, memory_cost=64, parallelism=1)
    of_file = known_users(User("ada", "engine"), User("bob", "builder"))
    users = Users(of_file, store.users, Passwords(argon2), Clock())
    assert not await has_password(users, None, "x")
    assert sorted(hashed) == ["", "builder", "engine"]
    assert await has_password(users, await users.find("ada"), "engine")
    assert len(hashed) == 3


async def test_of_sign_ins_at_once_no_more_are_judged_than_the_limit(store: Store) -> None:
    judge = door(users_of(store, User("ada", "engine")), store)
    guesses = (judge.authenticate("ada", f"guess-{number}", ADDRESS) for number in range(60))
    told = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(error, WrongPassword) for error in told) == 3
    assert sum(isinstance(error, TooManyAttempts) for error in told) == 57


async def test_people_who_sign_in_at_once_do_not_use_up_the_limits(store: Store) -> None:
    judge = door(users_of(store, User("ada", "engine")), store)
    signed_in = await asyncio.gather(*(judge.authenticate("ada", "engine", ADDRESS) for _ in range(20)))
    assert {user.name for user in signed_in} == {"ada"}
