import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange import Headers
from gateway.proxy.forwarded import direct_peer, real_peer, trust

TRUSTED = trust(["10.0.0.0/8", "2001:db8::/32"])


def resolve(connection: str, *headers: tuple[bytes, bytes]) -> tuple[str, str, bytes]:
    given: Headers = list(headers)
    peer = real_peer(direct_peer(connection, "http"), given, TRUSTED)
    return peer.address, peer.scheme, peer.forwarded_for


def test_nobody_is_believed_by_default() -> None:
    nobody = trust([])
    assert not nobody("127.0.0.1")


def test_a_stranger_is_not_believed() -> None:
    told = [(b"X-Forwarded-For", b"1.1.1.1"), (b"X-Forwarded-Proto", b"https")]
    assert resolve("192.0.2.1", *told) == ("192.0.2.1", "http", b"192.0.2.1")


def test_a_trusted_proxy_is_believed() -> None:
    told = [(b"X-Forwarded-For", b"192.0.2.1"), (b"x-forwarded-proto", b"https")]
    assert resolve("10.0.0.1", *told) == ("192.0.2.1", "https", b"192.0.2.1, 10.0.0.1")


def test_the_last_address_that_is_no_proxy_is_the_client() -> None:
    told = (b"X-Forwarded-For", b"6.6.6.6, 192.0.2.1, 10.0.0.9")
    assert resolve("10.0.0.1", told)[0] == "192.0.2.1"


@pytest.mark.parametrize("junk", [b"", b"unknown", b"192.0.2.1:80", b"1.1.1.1, <script>"])
def test_junk_ends_the_chain(junk: bytes) -> None:
    assert resolve("10.0.0.1", (b"X-Forwarded-For", junk))[0] == "10.0.0.1"


def test_an_unknown_scheme_is_not_believed() -> None:
    assert resolve("10.0.0.1", (b"X-Forwarded-Proto", b"javascript"))[1] == "http"


def test_ipv6_and_mapped_addresses_are_understood() -> None:
    assert TRUSTED("2001:db8::7")
    assert TRUSTED("::ffff:10.0.0.1")
    assert not TRUSTED("::1")
    assert not TRUSTED("")


def test_a_trusted_proxys_host_is_noted_when_valid() -> None:
    peer = real_peer(direct_peer("10.0.0.1", "http"), [(b"X-Forwarded-Host", b"shop.example")], TRUSTED)
    assert peer.forwarded_host == b"shop.example"
    peer = real_peer(direct_peer("10.0.0.1", "http"), [(b"X-Forwarded-Host", b"bad host")], TRUSTED)
    assert peer.forwarded_host is None


CERTIFICATE = b"0\x82 in DER"
FIELD = b":" + base64.b64encode(CERTIFICATE) + b":"


def certificate(connection: str, *values: bytes, own: bytes | None = None) -> bytes | None:
    headers: Headers = [(b"Client-Cert", value) for value in values]
    return real_peer(direct_peer(connection, "https", own), headers, TRUSTED).certificate


def test_a_trusted_proxy_tells_of_the_certificate() -> None:
    assert certificate("10.0.0.1", FIELD) == CERTIFICATE
    assert certificate("10.0.0.1", b" " + FIELD + b" ") == CERTIFICATE


def test_a_stranger_has_only_its_own() -> None:
    assert certificate("192.0.2.1", FIELD) is None
    assert certificate("192.0.2.1", FIELD, own=b"own") == b"own"


def test_a_proxys_own_is_not_its_callers() -> None:
    assert certificate("10.0.0.1", own=b"proxy") is None


@pytest.mark.parametrize(
    "value", [b"", b":", b"::", b"x", FIELD[:-1], FIELD[1:], b":!:", b":AAA:", FIELD * 2]
)
def test_a_malformed_one_is_none(value: bytes) -> None:
    assert certificate("10.0.0.1", value) is None


def test_two_are_none() -> None:
    assert certificate("10.0.0.1", FIELD, FIELD) is None


@given(st.binary(max_size=60))
def test_any_header_is_read(value: bytes) -> None:
    found = certificate("10.0.0.1", value)
    assert found is None or base64.b64encode(found) in value
