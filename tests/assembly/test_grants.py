"""What the grants are lent, from the file and the store."""

import pytest

from gateway.accounts.clients import Clients
from gateway.accounts.grant_users import SignedUpUsers
from gateway.accounts.passwords import Passwords
from gateway.assembly.grants import grant_users, refresh_families, scope_rules
from gateway.assembly.users import file_users
from gateway.config.model import Settings
from gateway.config.tokens import ScopeSettings
from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant, IssuedToken
from gateway.oauth.opaque_tokens import token_hash
from gateway.store import Store
from gateway.tokens.refresh_families import RefreshTokenFamilies
from tests.config.example import settings
from tests.services import Clock, Services, a_client, known_users

CLIENT = a_client(grants=frozenset({"password", "refresh_token"}))
GRANT = Grant("Ann", ("a",), (), 600, user="Ann", user_id="store:1", user_generation="1")


def configured(key: str = "k") -> Settings:
    return settings(
        f"tokens: {{key: {key * 32}}}\nportal: {{users: [{{name: Ann, password: long-password}}]}}"
    )


def users_of_grants(store: Store) -> SignedUpUsers:
    of_file = known_users(*file_users(configured().portal.users))
    return grant_users(configured(), of_file, store, Passwords(), Clock())


async def test_users_of_the_file_sign_in(store: Store) -> None:
    users = users_of_grants(store)
    assert (await users.sign_in("ann", "long-password", "192.0.2.1")).name == "Ann"


async def test_a_wrong_password_lets_nobody_in_and_is_held_against_the_caller(store: Store) -> None:
    users = users_of_grants(store)
    for _ in range(40):
        with pytest.raises(OAuthError) as refused:
            await users.sign_in("Ann", "wrong", "192.0.2.1")
        if refused.value.error == "slow_down":
            break
        assert refused.value.error == "invalid_grant"
    assert refused.value.retry_after


def families(store: Store, services: Services, key: str = "k") -> RefreshTokenFamilies:
    return refresh_families(configured(key), store, Clients([CLIENT], store.clients), services.clock)


async def test_none_are_given_out_until_their_grant_is_started(store: Store) -> None:
    made = families(store, Services(store, [CLIENT]))
    assert not made.may_have(CLIENT)
    made.switch_on(600)
    assert made.may_have(CLIENT)
    assert not made.may_have(a_client(grants=frozenset({"password"})))


async def test_gateways_with_the_same_key_know_each_others(store: Store, prefix: str) -> None:
    await store.link.execute("SET", f"{prefix}ug:store:1", "1 Ann")
    services = Services(store, [CLIENT])
    one, same, stranger = (families(store, services, key) for key in "kks")
    for made in (one, same, stranger):
        made.switch_on(600)
    access = await services.issuer.issue(CLIENT, "password", GRANT)
    token = await one.begin(CLIENT, IssuedToken(token_hash(access.access_token), "password", GRANT))
    facts = await same.lookup(token)
    assert facts is not None
    assert (facts.user, facts.scopes) == ("Ann", ("a",))
    assert await stranger.lookup(token) is None


def test_the_files_scopes_become_a_rule() -> None:
    rules = scope_rules(ScopeSettings(default=("basic",), application="app", allowed=("device",)))
    assert rules.granted(None, ()) == ("basic",)
    assert rules.granted("device read", ("read",)) == ("device", "read")
    assert rules.with_application(("basic",)) == ("app", "basic")
