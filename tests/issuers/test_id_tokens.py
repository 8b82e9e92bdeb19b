"""Which ID tokens are taken (OpenID Connect Core section 3.1.3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.issuers.id_tokens import LEEWAY, MAX_AGE, ExpectedIdToken, check_id_token
from gateway.issuers.rules import InvalidToken
from gateway.jose.compact import Jwt

NOW = 1_800_000_000
EXPECTED = ExpectedIdToken("https://id.example", "me", "n-1")
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "me",
    "sub": "ann",
    "nonce": "n-1",
    "iat": NOW,
    "exp": NOW + 60,
}


def checked(claims: dict[str, Any], header: dict[str, Any] | None = None) -> Any:
    whole = {name: one for name, one in (CLAIMS | claims).items() if one is not None}
    return check_id_token(Jwt({"alg": "RS256"} | (header or {}), whole, b"", b""), EXPECTED, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": ["me"]},
        {"azp": "me"},
        {"exp": NOW - LEEWAY + 1},
        {"iat": NOW - MAX_AGE},
        {"iat": NOW + LEEWAY},
        {"iat": NOW + 0.5},
        {"sub": "a" * 255},
    ],
    ids=str,
)
def test_an_id_token_for_this_sign_in_is_taken(claims: dict[str, Any]) -> None:
    assert checked(claims)["iss"] == EXPECTED.issuer
    assert checked(claims, {"typ": "JWT", "alg": "EdDSA"})["nonce"] == EXPECTED.nonce


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": None}, "another issuer"),
        ({"iss": "https://id.example/"}, "another issuer"),
        ({"iss": ["https://id.example"]}, "another issuer"),
        ({"aud": None}, "somebody else"),
        ({"aud": "you"}, "somebody else"),
        ({"aud": []}, "somebody else"),
        ({"aud": ["me", "you"], "azp": "me"}, "somebody else"),
        ({"aud": {"me": 1}}, "aud is neither"),
        ({"azp": "you"}, "azp"),
        ({"azp": 1}, "azp"),
        ({"exp": None}, "without exp"),
        ({"iat": None}, "without exp or iat"),
        ({"exp": NOW - LEEWAY}, "expired"),
        ({"exp": "tomorrow"}, "a time that is none"),
        ({"exp": True}, "a time that is none"),
        ({"iat": NOW + LEEWAY + 1}, "not yet valid"),
        ({"nbf": NOW + LEEWAY + 1}, "not yet valid"),
        ({"iat": NOW - MAX_AGE - LEEWAY - 1}, "too long ago"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": ["n-1"]}, "nonce"),
        ({"nonce": "\ud800"}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a" * 256}, "sub"),
        ({"sub": "é"}, "sub"),
    ],
    ids=str,
)
def test_any_other_is_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason):
        checked(claims)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": None},
        {"alg": ["RS256"]},
        {"alg": "rs256"},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"typ": 1},
    ],
    ids=str,
)
def test_another_algorithm_or_type_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken, match="another"):
        checked({}, header)
