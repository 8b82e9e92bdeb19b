import pytest
from argon2 import PasswordHasher

from gateway.accounts.attempt_limiter import AttemptLimiter
from gateway.accounts.grant_users import SignedUpUsers
from gateway.accounts.passwords import Passwords
from gateway.accounts.users import UserAuthentication, Users
from gateway.oauth.brute_force import LockoutPolicy
from gateway.oauth.errors import OAuthError
from gateway.oauth.user import User, UserIdentity
from gateway.store import Store
from tests.services import Clock, a_client, known_users

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
ADDRESS = "192.0.2.1"


@pytest.fixture
def people(store: Store) -> SignedUpUsers:
    users = Users(known_users(User("Ada", "engine")), store.users, Passwords(CHEAP), Clock())
    limiter = AttemptLimiter("people", store.attempts, LockoutPolicy(pair_limit=2, first_delay=0.01))
    return SignedUpUsers(UserAuthentication(users, limiter), store.registered_users)


async def test_a_user_has_the_name_that_was_registered(people: SignedUpUsers) -> None:
    assert await people.sign_in("ADA", "engine", ADDRESS) == UserIdentity("file:ada", "Ada", "1")


async def test_what_goes_wrong_is_an_oauth_error(people: SignedUpUsers) -> None:
    told = []
    for name in ("ada", "ada", "ada"):
        with pytest.raises(OAuthError) as caught:
            await people.sign_in(name, "wrong", ADDRESS)
        told.append(caught.value)
    assert [error.error for error in told] == ["invalid_grant", "invalid_grant", "slow_down"]
    assert told[0].delay > 0
    assert told[2].retry_after


async def test_a_user_counts_once_and_another_of_the_same_name_again(
    store: Store, people: SignedUpUsers
) -> None:
    for user_id in ("file:1", "file:1", "file:2"):
        await people.registered(a_client(), user_id)
    assert await store.registered_users.count("demo") == 2
