"""What a token is known by in the store is found from the token alone."""

from __future__ import annotations

import pytest

from gateway.oauth.grants import Grant
from gateway.oauth.opaque_tokens import token_hash
from gateway.store import KeyNames, Store, group_of
from gateway.tokens.token_names import token_name
from tests.services import Services, a_client

CLUSTER = KeyNames("p:", cluster=True)


@pytest.mark.parametrize("client_id", ["demo", "shop", "a b", "x" * 100])
async def test_a_token_names_the_group_of_its_client(both_formats: str, store: Store, client_id: str) -> None:
    services = Services(store)
    grant = Grant(client_id, ("orders.read",), (), 600)
    token = (await services.issuer.issue(a_client(client_id), "client_credentials", grant)).access_token
    assert token.startswith("gpt_") == (both_formats == "opaque")
    assert token_name(CLUSTER, token) == group_of(client_id) + token_hash(token)
    assert token_name(KeyNames("p:"), token) == token_hash(token)


@pytest.mark.parametrize("text", ["nonsense", "a.b.c", "e30.e30.e30"])
def test_what_is_no_token_has_a_name_too(text: str) -> None:
    assert token_name(CLUSTER, text)[1:] == token_hash(text)
