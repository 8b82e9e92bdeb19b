"""What tokens have in common is worked out once, and anew for a client with other credentials."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.grants import Grant
from gateway.oauth.model import Client, Secret
from gateway.tokens.granted_facts import granted_token_info
from gateway.tokens.token_issuer import TokenResponse
from tests.conftest import Valkey
from tests.services import Services, a_client, worker

pytestmark = pytest.mark.usefixtures("both_formats")

GRANT_TYPE = "client_credentials"
GRANT = Grant("demo", ("am_application_scope", "default"), (), 600)


@pytest.fixture
async def services(valkey: Valkey, prefix: str) -> AsyncIterator[Services]:
    async with worker(valkey.url, prefix) as here:
        yield here.services


async def own(services: Services, client: Client, grant: Grant = GRANT, **cnf: str) -> TokenResponse:
    """A token of its own, as the token endpoint asks for it."""
    await services.issuer.issue(client, GRANT_TYPE, grant, cnf)  # now a signing key is there
    taken: list[TokenResponse] = []
    waiting = services.issuer.issue_own(client, GRANT_TYPE, grant, cnf, taken.append)
    assert waiting is not None
    await waiting
    return taken[0]


@pytest.mark.parametrize(
    ("grant", "cnf"),
    [
        (GRANT, {}),
        (replace(GRANT, audience=("https://a.example",), lifetime=60, scopes=()), {}),
        (replace(GRANT, extra={"claims": '{"department":"x"}'}), {}),
        (GRANT, {"jkt": "k"}),
    ],
)
async def test_a_token_of_its_own_is_what_issuing_one_gives(
    services: Services, grant: Grant, cnf: dict[str, str]
) -> None:
    client = a_client()
    planned = [await own(services, client, grant, **cnf) for _ in range(2)]
    usual = await services.issuer.issue(client, GRANT_TYPE, grant, cnf)
    for answer in planned:
        assert answer.access_token != usual.access_token
        same = replace(answer, access_token=usual.access_token, name=usual.name)
        assert same == usual
        assert await services.token_validator.resolve(answer.access_token) == (
            await services.token_validator.resolve(usual.access_token)
        )


async def test_the_times_of_a_token_are_those_of_its_request(services: Services) -> None:
    client = a_client()
    first = await own(services, client)
    services.clock.now += 5
    second = await own(services, client)
    facts = [await services.token_validator.resolve(one.access_token) for one in (first, second)]
    began = services.clock.now - 5
    assert [(one.issued - began, one.expires - began) for one in facts if one] == [(0, 600), (5, 605)]


async def test_a_client_with_another_secret_gets_none_for_the_former(valkey: Valkey, prefix: str) -> None:
    """The store is told the credentials of the client as it is now, not as it was when it first asked."""
    async with worker(valkey.url, prefix) as here:
        await here.store.clients.create(a_client("kept", "first"))
        before = await here.store.clients.get("kept")
        assert before is not None
        await own(here.services, before)
        secrets = (Secret(b"s" * 32),)
        await here.store.clients.update("kept", lambda client: replace(client, secrets=secrets))
        waiting = here.services.issuer.issue_own(before, GRANT_TYPE, GRANT, {}, lambda _: None)
        assert waiting is not None
        with pytest.raises(OAuthError) as caught:
            await waiting
        assert caught.value.error == "invalid_client"
        now = await here.store.clients.get("kept")
        assert now is not None
        await own(here.services, now)


async def test_a_client_that_was_removed_gets_none(valkey: Valkey, prefix: str) -> None:
    async with worker(valkey.url, prefix) as here:
        await here.store.clients.create(a_client("kept", "first"))
        kept = await here.store.clients.get("kept")
        assert kept is not None
        await own(here.services, kept)
        await here.store.clients.delete("kept")
        waiting = here.services.issuer.issue_own(kept, GRANT_TYPE, GRANT, {}, lambda _: None)
        assert waiting is not None
        with pytest.raises(OAuthError):
            await waiting


@pytest.mark.parametrize(
    ("client", "grant"),
    [
        (a_client(), replace(GRANT, reusable=True)),
        (a_client(), replace(GRANT, user="u", user_id="i", user_generation="g")),
        (a_client(require_dpop=True), GRANT),
    ],
)
async def test_others_are_issued_as_usual(services: Services, client: Client, grant: Grant) -> None:
    await services.issuer.issue(a_client(), GRANT_TYPE, GRANT)
    assert services.issuer.issue_own(client, GRANT_TYPE, grant, {}, lambda _: None) is None


async def test_tokens_that_are_issued_at_once_are_different_ones(services: Services) -> None:
    client, taken = a_client(), list[TokenResponse]()
    await own(services, client)

    def begin() -> Any:
        return services.issuer.issue_own(client, GRANT_TYPE, GRANT, {}, taken.append)

    await asyncio.gather(*(begin() for _ in range(50)))
    assert len({one.access_token for one in taken}) == 50


def test_a_token_says_what_its_grant_says() -> None:
    facts = granted_token_info(a_client(tier="gold"), GRANT_TYPE, GRANT, 5.5)
    assert (facts.client, facts.scopes, facts.issued, facts.expires) == ("demo", GRANT.scopes, 5, 605)
    assert facts.tier is None, "that of a client of the file is looked up there"
    assert granted_token_info(a_client(tier="gold", source="store"), GRANT_TYPE, GRANT, 5).tier == "gold"
