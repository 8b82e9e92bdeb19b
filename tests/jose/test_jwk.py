import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jose.jwk import MAX_KEYS, decode, encode, parse_jwks, read_jwk, read_jwks
from gateway.jose.signatures import ALGORITHMS
from tests.client_keys import Signer, b64, signer

RFC7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
    "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q"
    "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
    "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
}
POINT = {"kty": "EC", "crv": "P-256"}
RFC8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
SIGNED_BY_8037 = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
)


def decoded_by_the_standard_library(text: str) -> bytes | None:
    """None for what is not the one encoding of some bytes."""
    with suppress(ValueError):
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text:
            return data
    return None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "AA",
        "AB",
        "AAA",
        "AAB",
        "AAAA",
        "A===",
        "AA==",
        "AAA=",
        "+A",
        "/A",
        "-A",
        "_w",
        "A\n",
        "AAAA\n",
        "ä",
        " AA",
    ],
)
def test_base64url_has_one_encoding_without_padding(text: str) -> None:
    expected = decoded_by_the_standard_library(text)
    if expected is None:
        with pytest.raises(ValueError):  # noqa: PT011 (any kind of it)
            decode(text)
    else:
        assert decode(text) == expected


@given(st.binary(max_size=80), st.text("AQgw-_+/=\nä", max_size=6))
def test_base64url_is_what_the_standard_library_makes_of_it(data: bytes, more: str) -> None:
    assert decode(encode(data)) == data
    assert encode(data) == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    text, found = encode(data) + more, None
    with suppress(ValueError):
        found = decode(text)
    assert found == decoded_by_the_standard_library(text)


def the_key(members: object) -> object:
    key = read_jwk(members)
    assert key is not None
    return key


def test_the_thumbprints_of_the_standards() -> None:
    assert read_jwks({"keys": [RFC7638]})[0].thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert read_jwks({"keys": [RFC8037]})[0].thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_thumbprint_is_of_the_key_alone() -> None:
    more = {**RFC8037, "kid": "a", "use": "sig", "key_ops": ["verify"], "x5u": "https://elsewhere"}
    assert read_jwks({"keys": [more]})[0].thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_signature_of_rfc_8037() -> None:
    (key,) = read_jwks({"keys": [RFC8037]})
    message, signature = SIGNED_BY_8037
    assert key.verifies("EdDSA", message.encode(), decode(signature))
    assert not key.verifies("EdDSA", message.encode() + b"x", decode(signature))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_verifies_what_its_key_has_signed_and_nothing_else(algorithm: str) -> None:
    made = signer(algorithm)
    (key,) = read_jwks(made.jwks)
    signature = made.signature(b"message")
    assert key.thumbprint == made.jkt
    assert key.verifies(algorithm, b"message", signature)
    assert not key.verifies(algorithm, b"messagf", signature)
    assert not key.verifies(algorithm, b"message", signature[:-1])
    assert not key.verifies(algorithm, b"message", b"")
    assert not key.verifies("none", b"message", b"")
    assert not key.verifies("HS256", b"message", signature)


def test_a_key_serves_only_the_algorithm_that_it_is_for() -> None:
    (key,) = read_jwks({"keys": [signer("RS256").members | {"alg": "PS256"}]})
    assert not key.verifies("RS256", b"m", signer("RS256").signature(b"m"))


def test_keys_for_other_uses_are_let_be() -> None:
    good = signer("ES256").members
    others = [
        good | {"use": "enc"},
        good | {"key_ops": ["sign"]},
        good | {"key_ops": 5},
        {"kty": "EC", "crv": "P-384"},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "new"},
        {},
    ]
    assert len(read_jwks({"keys": [*others, good]})) == 1
    with pytest.raises(ValueError, match="must have a key for one of"):
        read_jwks({"keys": others})


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], "must be a JWK Set"),
        ({"keys": {}}, "must be a JWK Set"),
        ({"keys": [RFC8037] * (MAX_KEYS + 1)}, "at most"),
        ({"keys": [5]}, r"keys\[0\] must be an object"),
        ({"keys": [RFC8037 | {"d": "AA"}]}, "public"),
        ({"keys": [{"kty": "oct", "k": "AA"}]}, "public"),
        ({"keys": [RFC8037 | {"kid": 5}]}, "kid"),
        ({"keys": [RFC8037 | {"x": "AA"}]}, "32 bytes"),
        ({"keys": [RFC8037 | {"x": "A==="}]}, "base64url"),
        ({"keys": [RFC8037 | {"x": 5}]}, "lacks x"),
        ({"keys": [{"kty": "RSA", "e": "AQAB"}]}, "lacks n"),
        ({"keys": [RFC7638 | {"e": "Aw"}]}, "exponent"),
        ({"keys": [RFC7638 | {"n": b64(b"\xff" * 128)}]}, "2048"),
        ({"keys": [POINT | {"x": "AQ", "y": "AQ"}]}, "wrong length"),
        (
            {"keys": [{"kty": "EC", "crv": "P-256", "x": b64(b"\1" * 32), "y": b64(b"\1" * 32)}]},
            "on the curve",
        ),
    ],
)
def test_what_is_wrong_with_a_set_is_said(members: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_jwks(members)


def test_weak_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="2048"):
        read_jwk(Signer("RS256", bits=1024).members)


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, b"\xff"])
def test_a_text_that_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_jwks(text)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
names = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops"])
values = anything | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "sig", ["verify"]])


@given(st.dictionaries(names, values))
def test_any_members_give_a_key_or_a_value_error(members: dict[str, object]) -> None:
    with suppress(ValueError):
        read_jwk(members)
        parse_jwks(json.dumps({"keys": [members]}))
