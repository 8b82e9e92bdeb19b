"""Tokens that a developer makes and ends for his own keys."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from gateway.accounts.usage import UsageCounter
from gateway.oauth.client_claims import claims_of
from gateway.oauth.errors import OAuthError
from gateway.oauth.form import MEDIA_TYPE
from gateway.oauth.refresh_token_format import RefreshTokens
from gateway.oauth_flows.portal_tokens import PortalTokens
from gateway.oauth_flows.token import TokenRequestState, answer_token_request
from gateway.store import Store
from gateway.tokens.refresh_families import RefreshTokenFamilies
from gateway.tokens.token_lookup import TokenLookup
from tests.services import Services, a_client


def own_tokens(services: Services) -> PortalTokens:
    made = RefreshTokens((services.key,), secrets.token_bytes)
    families = RefreshTokenFamilies(services.store.refresh_tokens, made, services.clients, services.clock)
    held = TokenLookup(services.token_validator, families)
    return PortalTokens(services.token_services, held, services.clock, UsageCounter())


async def test_a_token_is_as_the_token_endpoint_would_issue_it(store: Store) -> None:
    services = Services(store)
    answer = await own_tokens(services).generate(a_client(), ("orders.read",), "120")
    assert (answer.scope, answer.expires_in) == ("am_application_scope orders.read", 120)
    facts = await services.token_validator.resolve(answer.access_token)
    assert facts is not None
    assert (facts.client, facts.grant) == ("demo", "client_credentials")


async def test_a_token_has_its_clients_claims_and_is_the_one_that_the_token_endpoint_gives(
    store: Store,
) -> None:
    client = replace(a_client(), claims='{"tenant":"acme"}')
    services = Services(store, [client])
    answer = await own_tokens(services).generate(client, (), "")
    facts = await services.token_validator.resolve(answer.access_token)
    assert facts is not None
    assert claims_of(facts.extra) == {"tenant": "acme"}
    form = b"grant_type=client_credentials&client_id=demo&client_secret=secret"
    asked = TokenRequestState("", MEDIA_TYPE, form, [], "127.0.0.1")
    again = await answer_token_request(asked, services.token_services)
    assert (again.access_token, again.reused) == (answer.access_token, True)


@pytest.mark.parametrize(
    ("changes", "scopes", "validity", "error"),
    [
        ({"grants": frozenset()}, (), "", "unauthorized_client"),
        ({"enabled": False}, (), "", "unauthorized_client"),
        ({}, ("admin",), "", "invalid_scope"),
        ({}, (), "0", "invalid_request"),
    ],
)
async def test_what_the_token_endpoint_refuses_is_refused(
    store: Store, changes: dict[str, object], scopes: tuple[str, ...], validity: str, error: str
) -> None:
    client = replace(a_client(), **changes)  # type: ignore[arg-type]  # fields by name
    with pytest.raises(OAuthError) as told:
        await own_tokens(Services(store)).generate(client, scopes, validity)
    assert told.value.error == error


async def test_a_token_is_ended_by_its_own_client_only(store: Store) -> None:
    services = Services(store, [a_client(), a_client("other")])
    tokens = own_tokens(services)
    token = (await tokens.generate(a_client(), (), "")).access_token
    assert not await tokens.revoke(a_client("other"), token)
    assert not await tokens.revoke(a_client(), "made up")
    assert await tokens.revoke(a_client(), token)
    assert not await tokens.revoke(a_client(), token)
