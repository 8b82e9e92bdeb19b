"""Refresh tokens as the grants use them, on a real store."""

import secrets
from dataclasses import dataclass

import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant, IssuedToken
from gateway.oauth.model import Client
from gateway.oauth.opaque_tokens import token_hash
from gateway.oauth.refresh_token_format import RefreshTokens
from gateway.store import Store
from gateway.tokens.refresh_families import RefreshTokenFamilies
from gateway.tokens.token_issuer import TokenResponse
from tests.services import Services, a_client

BOTH = frozenset({"password", "refresh_token"})
GRANT = Grant("Ada", ("orders.read",), (), 600, user="Ada", user_id="store:1", user_generation="1")


@pytest.fixture(autouse=True)
async def ada(store: Store, prefix: str) -> None:
    """The user whose tokens these are."""
    await store.link.execute("SET", f"{prefix}ug:store:1", "1 Ada")


@dataclass
class Stage:
    services: Services
    families: RefreshTokenFamilies
    client: Client

    async def issue(self) -> tuple[TokenResponse, IssuedToken]:
        answer = await self.services.issuer.issue(self.client, "password", GRANT)
        return answer, IssuedToken(token_hash(answer.access_token), "password", GRANT)

    async def begin(self) -> tuple[str, str]:
        answer, issued = await self.issue()
        return await self.families.begin(self.client, issued), answer.access_token

    async def refused(self, token: str, client: Client | None = None) -> bool:
        with pytest.raises(OAuthError) as caught:
            await self.families.find(client or self.client, token)
        return caught.value.error == "invalid_grant"


@pytest.fixture
def stage(store: Store) -> Stage:
    services = Services(store, [a_client(grants=BOTH), a_client("other", grants=BOTH)])
    tokens = RefreshTokens((b"r" * 32,), secrets.token_bytes)
    families = RefreshTokenFamilies(store.refresh_tokens, tokens, services.clients, services.clock)
    families.switch_on(600)
    return Stage(services, families, a_client(grants=BOTH))


async def test_only_who_has_the_grant_gets_one_and_only_where_it_is_on(store: Store, stage: Stage) -> None:
    assert stage.families.may_have(stage.client)
    assert not stage.families.may_have(a_client(grants=frozenset({"password"})))
    tokens = RefreshTokens((b"r" * 32,), secrets.token_bytes)
    off = RefreshTokenFamilies(store.refresh_tokens, tokens, stage.services.clients, stage.services.clock)
    assert not off.may_have(stage.client)


async def test_it_stands_for_what_was_granted(stage: Stage) -> None:
    token, _ = await stage.begin()
    facts = await stage.families.find(stage.client, token)
    assert (facts.client, facts.user, facts.scopes) == ("demo", "Ada", ("orders.read",))
    assert facts.expires == stage.services.clock() + 600
    assert await stage.families.lookup(token) == facts


async def test_an_old_one_ends_the_family(stage: Stage) -> None:
    first, access = await stage.begin()
    _, issued = await stage.issue()
    second = await stage.families.rotate(stage.client, first, issued)
    assert await stage.families.lookup(first) is None
    assert await stage.families.lookup(second) is not None
    assert await stage.refused(first)
    assert await stage.families.lookup(second) is None
    assert await stage.services.token_validator.resolve(access) is None


async def test_another_client_is_refused_and_does_no_harm(stage: Stage) -> None:
    token, _ = await stage.begin()
    assert await stage.refused(token, a_client("other", grants=BOTH))
    assert await stage.refused(token, a_client(grants=BOTH, source="store"))
    assert await stage.families.lookup(token) is not None


async def test_a_client_that_left_the_file_has_none(store: Store, stage: Stage) -> None:
    token, _ = await stage.begin()
    tokens = RefreshTokens((b"r" * 32,), secrets.token_bytes)
    later = Services(store, [])
    families = RefreshTokenFamilies(store.refresh_tokens, tokens, later.clients, later.clock)
    assert await families.lookup(token) is None
