"""What programs get."""

from __future__ import annotations

from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.portal.api.responses import answer, application_shape, keys_shape, token_shape
from gateway.tokens.token_issuer import TokenResponse


def test_answers_are_not_kept() -> None:
    assert answer({}).headers["Cache-Control"] == "no-store"


def test_a_secret_is_there_only_where_it_was_just_made() -> None:
    client = Client("id", enabled=False)
    assert keys_shape(client, "sandbox", "gps_x")["consumerSecret"] == "gps_x"
    shape = keys_shape(client, "sandbox")
    assert ("consumerSecret" in shape, shape["keyType"], shape["keyState"]) == (False, "SANDBOX", "REJECTED")


def test_shapes_are_wso2s() -> None:
    assert application_shape(Application("a1", "Shop", "ada"))["applicationId"] == "a1"
    token = TokenResponse("gpt_x", "a b", 7, reused=False, name="n")
    assert token_shape(token) == {"accessToken": "gpt_x", "tokenScopes": ["a", "b"], "validityTime": 7}
