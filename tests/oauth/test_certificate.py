import hashlib
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gateway.jose.jwk import read_jwks
from gateway.oauth.certificate import certificate_thumbprint, has_key, has_subject
from tests.certificates import Certificate
from tests.client_keys import b64, signer

NAMES = (
    x509.DNSName("shop.example"),
    x509.UniformResourceIdentifier("spiffe://example/shop"),
    x509.IPAddress(ip_address("192.0.2.7")),
    x509.RFC822Name("shop@example.org"),
)
AUTHORITY = Certificate("CN=Clients", authority=True)
SHOP = Certificate("CN=shop,O=Example\\, Inc.,C=DE", names=NAMES, issuer=AUTHORITY).der
BARE = Certificate("CN=shop.example", issuer=AUTHORITY).der


def test_the_thumbprint_is_the_hash_of_the_whole_certificate() -> None:
    assert certificate_thumbprint(SHOP) == b64(hashlib.sha256(SHOP).digest())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("subject_dn", "CN=shop,O=Example\\, Inc.,C=DE"),
        ("subject_dn", "2.5.4.3=shop,O=Example\\, Inc.,C=DE"),
        ("san_dns", "shop.example"),
        ("san_dns", "SHOP.example"),
        ("san_uri", "spiffe://example/shop"),
        ("san_ip", "192.0.2.7"),
        ("san_email", "shop@example.org"),
    ],
)
def test_a_subject_is_recognised(kind: str, expected: str) -> None:
    assert has_subject(SHOP, kind, expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("subject_dn", "CN=shop"),
        ("subject_dn", "C=DE,O=Example\\, Inc.,CN=shop"),
        ("subject_dn", "CN=Shop,O=Example\\, Inc.,C=DE"),
        ("subject_dn", "nonsense"),
        ("subject_dn", ""),
        ("san_dns", "example"),
        ("san_dns", "spiffe://example/shop"),
        ("san_uri", "spiffe://example/SHOP"),
        ("san_ip", "192.0.2.8"),
        ("san_ip", "nonsense"),
        ("san_email", "other@example.org"),
        ("", "shop"),
        ("other", "shop"),
    ],
)
def test_another_subject_is_not(kind: str, expected: str) -> None:
    assert not has_subject(SHOP, kind, expected)


@pytest.mark.parametrize("kind", ["san_dns", "san_uri", "san_ip", "san_email"])
def test_the_subjects_name_is_no_alternative_name(kind: str) -> None:
    assert not has_subject(BARE, kind, "shop.example")


def test_a_key_is_recognised() -> None:
    for made in (signer("ES256"), signer("RS256")):
        der = Certificate(key=made.key).der
        assert has_key(der, read_jwks(made.jwks))
        assert not has_key(der, read_jwks(signer("EdDSA").jwks))
        assert not has_key(der, ())


def test_keys_of_other_kinds_match_nothing() -> None:
    keys = read_jwks(signer("ES256").jwks)
    for key in (ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())):
        assert not has_key(Certificate(key=key).der, keys)


@given(
    st.binary(max_size=100) | st.integers(0, len(SHOP) - 1).map(lambda n: SHOP[:n] + b"\xff" + SHOP[n + 1 :])
)
def test_any_bytes_are_judged(data: bytes) -> None:
    if data != SHOP:
        has_key(data, read_jwks(signer("ES256").jwks))
        for kind in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email"):
            has_subject(data, kind, "CN=a")


@pytest.mark.parametrize(("kind", "expected"), [("subject_dn", "CN=shop"), ("san_dns", "shop.example")])
def test_a_self_signed_certificate_has_no_name_that_anybody_vouches_for(kind: str, expected: str) -> None:
    own = Certificate("CN=shop", names=NAMES).der
    signed = Certificate("CN=shop", names=NAMES, issuer=AUTHORITY).der
    assert not has_subject(own, kind, expected)
    assert has_subject(signed, kind, expected)
