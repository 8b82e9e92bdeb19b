import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.jose.compact import Jwt, read_jwt
from gateway.jose.jwk import public_members
from gateway.jose.key_set import MAX_KEYS, KeySet, read_key_set
from gateway.jose.signing_key import SigningKey
from tests.jose.tokens import ED, KEY, OTHER, RSA, jwt


def key_set(*keys: Any) -> KeySet:
    return read_key_set(json.dumps({"keys": keys}).encode())


def token(header: dict[str, Any], key: Any = KEY) -> Jwt:
    read = read_jwt(jwt({"alg": "ES256", **header}, {}, key))
    assert read is not None
    return read


def test_a_token_is_verified_by_the_key_that_it_names() -> None:
    keys = key_set(KEY.jwk, OTHER.jwk)
    assert keys.verifies(token({"kid": KEY.kid}), "ES256")
    assert not keys.verifies(token({"kid": OTHER.kid}), "ES256")
    assert not keys.verifies(token({"kid": "unknown"}), "ES256")


def test_a_token_that_names_none_may_be_any_keys() -> None:
    keys = key_set(OTHER.jwk, RSA.jwk, ED.jwk, KEY.jwk)
    assert keys.verifies(token({}), "ES256")
    assert not keys.verifies(token({}), "RS256")


def test_a_key_serves_no_other_algorithm_than_it_names() -> None:
    keys = key_set(RSA.jwk)
    read = read_jwt(jwt({"alg": "RS512", "kid": RSA.kid}, {}, RSA))
    assert read is not None
    assert not keys.verifies(read, "RS512")


def test_what_is_no_key_for_signatures_is_let_be() -> None:
    small = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 (that is the point)
    weak = public_members(small)
    secret = {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}
    others: list[Any] = [
        {**OTHER.jwk, "use": "enc"},
        {**secret, "kid": "secret"},
        {**weak, "kid": "weak"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
        {"kty": []},
        7,
    ]
    keys = key_set(*others, KEY.jwk)
    assert list(keys.keys) == [KEY.kid]
    with pytest.raises(ValueError, match="no key"):
        key_set(*others)


def test_no_more_keys_are_read_than_a_set_can_have() -> None:
    assert len(key_set(*({**KEY.jwk, "kid": str(number)} for number in range(500))).keys) == MAX_KEYS


def test_a_key_that_has_leaked_is_not_trusted() -> None:
    with pytest.raises(ValueError, match="no key"):
        key_set({**KEY.jwk, "d": "AAAA"})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["kty", "kid", "use", "alg", "crv", "x", "y", "n", "e", "d", "key_ops"]),
    VALUES | st.sampled_from(["EC", "RSA", "OKP", "oct", "P-256", "Ed25519", "AQAB", "sig"]),
)


@given(st.lists(MEMBERS | VALUES), st.sampled_from([KEY, RSA, ED]), MEMBERS)
def test_strange_members_spoil_nothing(members: list[Any], key: SigningKey, changes: dict[str, Any]) -> None:
    keys = key_set(*members, {**key.jwk, **changes}, OTHER.jwk)
    assert OTHER.kid in keys
    keys.verifies(token({}, key), key.algorithm)


@given(st.binary() | st.text().map(str.encode))
def test_garbage_is_an_error_that_says_so(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whatever it is)
        read_key_set(data)
