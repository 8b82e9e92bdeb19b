"""What a client may say of itself. Most is tested from outside: tests/standards/test_registration.py."""

from typing import Any

import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client
from gateway.oauth.registration import RegistrationRules, client_metadata, requested_client
from gateway.oauth.scope import ScopeRules
from tests.client_keys import signer

GRANTS = {"client_credentials": "client_credentials"}


def requested(uri: Any, *, inner: bool = False, **metadata: Any) -> Client:
    rules = RegistrationRules(GRANTS, ("private_key_jwt",), frozenset(), ScopeRules(), inner)
    given = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri, **metadata}
    client = requested_client(given, rules, "robot")
    assert client_metadata(client, rules)["jwks_uri"] == client.jwks_uri
    return client


def test_keys_may_be_at_a_url() -> None:
    client = requested("https://shop.example/jwks.json?v=1")
    assert (client.jwks, client.jwks_uri) == ("", "https://shop.example/jwks.json?v=1")
    assert requested("https://8.8.8.8/").has_keys
    assert requested("http://10.0.0.1:8080/keys", inner=True).has_keys


@pytest.mark.parametrize(
    "uri",
    [
        "http://shop.example/jwks",
        "https://127.0.0.1/jwks",
        "https://10.1.2.3/jwks",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/jwks",
        "https://[::ffff:10.0.0.1]/jwks",
        "https://2130706433/jwks",
        "https://192.0.0.192/opc/v1/instance/",
        "https://[64:ff9b:1::a00:1]/jwks",
        "https://[fec0::1]/jwks",
        "https://127.1/jwks",
        "https://224.0.0.1/jwks",
        "https://me:secret@shop.example/jwks",
        "https://shop.example/jwks#keys",
        "https:///jwks",
        "https://shop.example:99999/jwks",
        "https://shop.example:https/jwks",
        "https://shop.example:0/jwks",
        "https://[/jwks",
        "file:///etc/passwd",
        "shop.example/jwks",
        "https://shop.example/" + "x" * 1024,
        "",
        7,
    ],
)
def test_a_url_that_leads_inside_or_nowhere_is_invalid(uri: Any) -> None:
    with pytest.raises(OAuthError) as caught:
        requested(uri)
    assert caught.value.error == "invalid_client_metadata"


def test_keys_come_from_one_place() -> None:
    with pytest.raises(OAuthError) as caught:
        requested("https://shop.example/jwks", jwks=signer("ES256").jwks)
    assert caught.value.description == "jwks and jwks_uri can't both be given."
