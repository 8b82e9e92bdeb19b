from contextlib import suppress

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from gateway.oauth.certificate_subject import check_subject, subject_name


def test_a_name_is_read_as_rfc_4514_writes_it() -> None:
    name = subject_name("CN=shop,OU=a+OU=b,O=Example\\, Inc.,DC=example")
    assert name.rfc4514_string() == "CN=shop,OU=a+OU=b,O=Example\\, Inc.,DC=example"
    assert name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == "shop"
    assert subject_name("emailAddress=a@b") == subject_name("1.2.840.113549.1.9.1=a@b")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("san_ip", "2001:db8::1"), ("san_dns", "a.example"), ("san_uri", "urn:x"), ("san_email", "a@b.example")],
)
def test_what_can_be_registered(kind: str, expected: str) -> None:
    assert check_subject(kind, expected) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("subject_dn", ""),
        ("subject_dn", "shop"),
        ("subject_dn", "/CN=shop/O=Example"),
        ("subject_dn", "C=Germany"),
        ("san_ip", "a.example"),
        ("san_dns", ""),
        ("san_dns", "a b"),
        ("san_dns", "é.example"),
    ],
)
def test_what_no_certificate_can_match_is_refused(kind: str, expected: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        check_subject(kind, expected)


@given(st.text(max_size=30))
def test_any_name_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert subject_name(text).rdns
