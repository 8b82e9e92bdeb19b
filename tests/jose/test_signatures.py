import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.jose.jwk import public_members, read_jwk
from gateway.jose.signatures import ALL_ALGORITHMS


def test_nothing_is_verified_that_needs_no_key_or_a_shared_one() -> None:
    assert not [name for name in ALL_ALGORITHMS if name == "none" or name.startswith("HS")]


@pytest.mark.parametrize(
    ("curve", "algorithm", "digest"),
    [(ec.SECP384R1(), "ES384", hashes.SHA384()), (ec.SECP521R1(), "ES512", hashes.SHA512())],
    ids=["ES384", "ES512"],
)
def test_larger_curves_serve_who_asks_for_them(
    curve: ec.EllipticCurve, algorithm: str, digest: hashes.HashAlgorithm
) -> None:
    private = ec.generate_private_key(curve)
    members = public_members(private.public_key())
    assert read_jwk(members) is None
    key = read_jwk(members, ALL_ALGORITHMS)
    assert key is not None
    size = (curve.key_size + 7) // 8
    pair = decode_dss_signature(private.sign(b"m", ec.ECDSA(digest)))
    signature = b"".join(number.to_bytes(size, "big") for number in pair)
    assert key.verifies(algorithm, b"m", signature)
    assert not key.verifies(algorithm, b"n", signature)
    assert not key.verifies("ES256", b"m", signature)


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS384", "PS512"])
def test_larger_digests_are_verified(algorithm: str) -> None:
    private = rsa.generate_private_key(65537, 2048)
    key = read_jwk(public_members(private.public_key()))
    assert key is not None
    digest = hashes.SHA384() if algorithm.endswith("384") else hashes.SHA512()
    pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
    signature = private.sign(b"m", padding.PKCS1v15() if algorithm[0] == "R" else pss, digest)
    assert key.verifies(algorithm, b"m", signature)
    assert not key.verifies(algorithm, b"n", signature)
    assert not key.verifies(algorithm[:2] + "256", b"m", signature)


def test_numbers_of_any_shape_are_verified() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    key = read_jwk(public_members(private.public_key()))
    assert key is not None
    seen = set()
    # DER writes a number that begins with zeros, or with a bit that is set, in a way of its own.
    while len(seen) < 3 * 2:
        pair = decode_dss_signature(private.sign(b"m", ec.ECDSA(hashes.SHA256())))
        signature = b"".join(number.to_bytes(32, "big") for number in pair)
        assert key.verifies("ES256", b"m", signature)
        assert not key.verifies("ES256", b"n", signature)
        seen |= {(at, min(signature[at], 1) + (signature[at] > 0x7F)) for at in (0, 32)}


@pytest.mark.parametrize("number", [0, 1, 0x80, 2**255, 2**256 - 1])
def test_numbers_that_are_in_no_signature_verify_nothing(number: int) -> None:
    key = read_jwk(public_members(ec.generate_private_key(ec.SECP256R1()).public_key()))
    assert key is not None
    for r, s in ((number, 1), (1, number), (number, number)):
        assert not key.verifies("ES256", b"m", r.to_bytes(32, "big") + s.to_bytes(32, "big"))
