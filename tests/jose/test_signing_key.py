import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.jose.jwk import read_jwk
from gateway.jose.signing_key import SigningKey, make_key, read_pem
from tests.jose.test_jwk import RFC7638
from tests.jose.tokens import ED, KEY, OTHER, RSA

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def pem(key: object, encryption: KeySerializationEncryption | None = None) -> bytes:
    data: bytes = key.private_bytes(  # type: ignore[attr-defined]  # any private key
        Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()
    )
    return data


def test_the_thumbprint_is_that_of_rfc_7638_section_3_1() -> None:
    key = read_jwk(RFC7638)
    assert key is not None
    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    made = make_key("RS256")
    again = read_jwk(made.jwk)
    assert again is not None
    assert made.kid == again.thumbprint


@pytest.mark.parametrize("key", [KEY, RSA, ED])
def test_a_signature_is_good_for_its_data_and_key_only(key: SigningKey) -> None:
    signature = key.sign(b"data")
    assert key.verify(b"data", signature)
    assert not key.verify(b"other data", signature)
    assert not key.verify(b"data", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not key.verify(b"data", b"")
    assert not key.verify(b"data", bytes(len(signature)))
    assert not OTHER.verify(b"data", signature)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_key_is_the_same_after_it_was_kept(algorithm: str) -> None:
    key = make_key(algorithm)
    again = read_pem(key.pem.encode())
    assert (again.kid, again.algorithm, again.jwk) == (key.kid, algorithm, key.jwk)
    assert key.verify(b"data", again.sign(b"data"))


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_what_everybody_may_know_has_no_private_member(algorithm: str) -> None:
    key = make_key(algorithm)
    assert not PRIVATE & key.jwk.keys()
    assert {"kid": key.kid, "use": "sig", "alg": algorithm}.items() <= key.jwk.items()
    assert key.pem[50:80] not in repr(key)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 (that is the point)
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(x25519.X25519PrivateKey.generate()),
        pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"password")),
    ],
)
def test_other_keys_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"must be|is no private key"):
        read_pem(data)


def test_a_public_key_signs_nothing() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(ValueError, match="is no private key"):
        read_pem(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
