import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jose.jwk import read_jwks
from gateway.jose.signatures import ALGORITHMS
from gateway.oauth.assertion import (
    LONGEST_JTI,
    LONGEST_LIFE,
    Assertion,
    assertion_client,
    judge_assertion,
    read_assertion,
)
from tests.client_keys import Signer, b64, signer

NOW = 1_800_000_000.0
ISSUER = "https://auth.example"
KEY = signer("ES256")
KEYS = read_jwks(KEY.jwks)


NUMBERS = itertools.count()


def count(_: object) -> str:
    """An id for a parameter that is another text each time."""
    return str(next(NUMBERS))


def judged(text: str, keys: Any = KEYS) -> Assertion | str:
    return judged_for([ISSUER], text, keys)


def judged_for(audiences: list[str], text: str, keys: Any = KEYS) -> Assertion | str:
    signed = read_assertion(text)
    return "malformed" if signed is None else judge_assertion(signed, "demo", keys, audiences, NOW)


def client_of(text: str) -> str | None:
    signed = read_assertion(text)
    return None if signed is None else assertion_client(signed)


def assertion(header: dict[str, Any] | None = None, **changes: Any) -> str:
    return KEY.assertion("demo", changes.pop("aud", ISSUER), NOW, header, **changes)


def test_a_right_assertion_is_remembered_until_its_own_end() -> None:
    found = judged(assertion(jti="one", exp=NOW + 30))
    assert found == Assertion("one", 30 + 60 + 60 + 1)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_is_taken(algorithm: str) -> None:
    made = signer(algorithm)
    found = judged(made.assertion("demo", ISSUER, NOW), read_jwks(made.jwks))
    assert isinstance(found, Assertion)


@pytest.mark.parametrize(
    "text",
    [
        assertion(),
        assertion(aud=[ISSUER]),
        assertion(iat=None),
        assertion({"typ": "JWT"}),
        assertion({"typ": "client-authentication+jwt"}),
        assertion(exp=NOW - 59),
        assertion(exp=NOW + LONGEST_LIFE),
        assertion(nbf=NOW + 59),
    ],
    ids=count,
)
def test_what_is_taken(text: str) -> None:
    assert isinstance(judged(text), Assertion)


@pytest.mark.parametrize(
    "kind", ["JWT", "jwt", "application/jwt", "application/Client-Authentication+JWT", None]
)
def test_its_type_is_a_media_type_in_any_spelling(kind: str | None) -> None:
    assert isinstance(judged(assertion({"typ": kind})), Assertion)


@pytest.mark.parametrize(
    "text",
    [
        assertion(iss="other"),
        assertion(sub="other"),
        assertion(iss=None),
        assertion(sub=None),
        assertion(exp=None),
        assertion(exp=NOW - 60),
        assertion(exp=NOW + LONGEST_LIFE + 61),
        assertion(exp="soon"),
        assertion(exp=True),
        assertion(iat=NOW + 61),
        assertion(nbf=NOW + 61),
        assertion(jti=None),
        assertion(jti=""),
        assertion(jti=5),
        assertion(jti="a" * (LONGEST_JTI + 1)),
        assertion(aud=None),
        assertion(aud=[]),
        assertion(aud=ISSUER + "/"),
        assertion(aud=ISSUER + "/token"),
        assertion(aud=[ISSUER, ISSUER + "/token"]),
        assertion(aud=[ISSUER, "https://other.example"]),
        assertion(aud={"a": ISSUER}),
        assertion({"typ": "dpop+jwt"}),
        assertion({"typ": "at+jwt"}),
        assertion({"typ": 5}),
        assertion({"crit": ["exp"]}),
        assertion()[:-4] + "AAAA",
        "x.y.z",
        "",
    ],
    ids=count,
)
def test_what_is_wrong_is_refused(text: str) -> None:
    assert isinstance(judged(text), str)


def test_a_secret_is_no_key() -> None:
    """The public key as an HMAC secret, and no signature at all."""
    for algorithm in ("HS256", "none"):
        body = assertion().split(".")[1]
        head = b64(f'{{"alg":"{algorithm}"}}'.encode())
        assert isinstance(judged(f"{head}.{body}."), str)
        assert isinstance(judged(f"{head}.{body}.{b64(b'x' * 32)}"), str)


def test_a_key_in_the_assertion_itself_is_not_looked_at() -> None:
    stranger = Signer("ES256")
    header = {"jwk": stranger.members, "jku": "https://evil.example/jwks", "x5c": ["AA"]}
    assert isinstance(judged(stranger.assertion("demo", ISSUER, NOW, header)), str)


def test_the_named_key_is_tried_and_without_a_name_all_are() -> None:
    one, two = Signer("ES256", "one"), Signer("ES256", "two")
    keys = read_jwks({"keys": [one.jwk, two.jwk]})
    assert isinstance(judged(two.assertion("demo", ISSUER, NOW), keys), Assertion)
    assert isinstance(judged(two.assertion("demo", ISSUER, NOW, {"kid": "one"}), keys), str)
    assert isinstance(judged(two.assertion("demo", ISSUER, NOW, {"kid": "three"}), keys), str)
    assert isinstance(judged(two.assertion("demo", ISSUER, NOW, {"kid": None}), keys), Assertion)
    unnamed = read_jwks({"keys": [one.jwk, two.members]})
    assert isinstance(judged(two.assertion("demo", ISSUER, NOW), unnamed), Assertion)
    assert isinstance(judged(assertion(), ()), str)


def test_the_client_of_an_assertion() -> None:
    assert client_of(assertion()) == "demo"
    assert client_of(assertion(iss="other")) is None
    assert client_of(assertion(iss=None, sub=None)) is None
    assert client_of(assertion(iss="", sub="")) is None
    assert client_of("nonsense") is None


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_any_claims_are_taken_or_refused(claims: dict[str, Any]) -> None:
    text = KEY.sign({}, {"iss": "demo", "sub": "demo", "aud": ISSUER, "exp": NOW, "jti": "a"} | claims)
    assert isinstance(judged(text), Assertion | str)


def test_the_token_endpoint_is_an_audience_only_for_clients_that_are_known_to_send_it() -> None:
    text = assertion(aud=f"{ISSUER}/token")
    assert isinstance(judged(text), str)
    assert isinstance(judged_for([ISSUER, f"{ISSUER}/token"], text), Assertion)
    both = assertion(aud=[ISSUER, f"{ISSUER}/token"])
    assert isinstance(judged_for([ISSUER, f"{ISSUER}/token"], both), str)
