import pytest
from argon2 import PasswordHasher

from gateway.accounts.grant_users import SignedUpUsers
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import UserAuthentication, Users
from gateway.oauth.errors import OAuthError
from gateway.oauth.guessing import GuessingRules
from gateway.oauth.people import User
from gateway.store import Store
from tests.services import Clock, a_client

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
ADDRESS = "192.0.2.1"


@pytest.fixture
def people(store: Store) -> SignedUpUsers:
    users = Users([User("Ada", "engine")], store.users, Passwords(CHEAP), Clock())
    door = UserAuthentication(users, store.attempts, GuessingRules(pair_limit=2, first_delay=0.01))
    return SignedUpUsers(users, door, store.registered_users)


async def test_a_user_has_the_name_that_was_registered(people: SignedUpUsers) -> None:
    assert await people.sign_in("ADA", "engine", ADDRESS) == "Ada"
    assert await people.is_there("ada")
    assert not await people.is_there("ben")


async def test_what_goes_wrong_is_an_oauth_error(people: SignedUpUsers) -> None:
    told = []
    for name in ("ada", "ada", "ada"):
        with pytest.raises(OAuthError) as caught:
            await people.sign_in(name, "wrong", ADDRESS)
        told.append(caught.value)
    assert [error.error for error in told] == ["invalid_grant", "invalid_grant", "slow_down"]
    assert told[0].delay > 0
    assert told[2].retry_after


async def test_a_user_counts_once_whatever_the_case_of_its_name(store: Store, people: SignedUpUsers) -> None:
    for name in ("Ada", "ada"):
        await people.registered(a_client(), name)
    assert await store.registered_users.count("demo") == 1
