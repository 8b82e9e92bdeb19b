"""Signed introspection responses (RFC 9701)."""

import jwt as pyjwt
import pytest

from gateway.tokens.introspection_jwt import signed_introspection, wants_jwt
from tests.jose.tokens import KEY

MEDIA_TYPE = "application/token-introspection+jwt"


def test_the_answer_is_a_claim_of_its_own() -> None:
    answer = {"active": True, "sub": "ada", "exp": 2_000_000_000}
    token = signed_introspection(answer, "https://gw", "shop", 1_800_000_000.9, KEY)
    assert pyjwt.get_unverified_header(token)["typ"] == "token-introspection+jwt"
    options = {"verify_iat": False}
    claims = pyjwt.decode(token, KEY.public.material, ["ES256"], audience="shop", options=options)
    assert claims == {
        "iss": "https://gw",
        "aud": "shop",
        "iat": 1_800_000_000,
        "token_introspection": answer,
    }


@pytest.mark.parametrize(
    ("accept", "signed"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        (MEDIA_TYPE, True),
        (MEDIA_TYPE.upper(), True),
        (f"application/json, {MEDIA_TYPE}", True),
        (f"{MEDIA_TYPE};q=0", False),
        (f"{MEDIA_TYPE};q=0.5, application/json", False),
        (f"{MEDIA_TYPE}, application/json;q=0.5", True),
        (f"{MEDIA_TYPE};q=x", False),
        ("application/token-introspection", False),
        (",;,", False),
    ],
)
def test_it_is_signed_for_whoever_asks_for_it(accept: str | None, signed: bool) -> None:
    assert wants_jwt(accept) is signed
