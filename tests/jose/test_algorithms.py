import pytest

from gateway.jose.algorithms import verify
from tests.jose.tokens import ED, KEY, OTHER, RSA


@pytest.mark.parametrize("key", [KEY, RSA, ED])
def test_a_signature_is_good_for_its_data_and_key_only(key: object) -> None:
    assert isinstance(key, type(KEY))
    signature = key.sign(b"data")
    assert key.verify(b"data", signature)
    assert not key.verify(b"other data", signature)
    assert not key.verify(b"data", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not key.verify(b"data", b"")
    assert not OTHER.verify(b"data", signature)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "EdDSA", "ES384"])
def test_a_key_does_not_serve_an_algorithm_of_another_kind(algorithm: str) -> None:
    assert not verify(algorithm, KEY._key, b"data", KEY.sign(b"data"))


def test_zeros_are_no_signature() -> None:
    assert not KEY.verify(b"data", bytes(64))
