import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.exchange import Headers
from gateway.http.forwarded import direct_peer, real_peer, trust

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


@pytest.mark.parametrize(
    "junk", [b"unknown", b"_hidden", b"1.1.1.1, <script>", b"1.1.1.1.1", b"[::1", b"x" * 99]
)
def test_a_client_that_can_not_be_read_is_unknown_and_not_the_proxy(junk: bytes) -> None:
    address, _, told = resolve("10.0.0.1", (b"X-Forwarded-For", junk))
    assert address == "unknown"
    assert told.endswith(b"unknown, 10.0.0.1")


@pytest.mark.parametrize("nothing", [b"", b" , ,"])
def test_where_a_proxy_says_nothing_it_is_the_client(nothing: bytes) -> None:
    assert resolve("10.0.0.1", (b"X-Forwarded-For", nothing))[0] == "10.0.0.1"
    assert resolve("10.0.0.1")[0] == "10.0.0.1"


@pytest.mark.parametrize(
    ("node", "address"),
    [
        (b"192.0.2.1:8080", "192.0.2.1"),
        (b"[2001:db9::1]:443", "2001:db9::1"),
        (b"[2001:db9::1]", "2001:db9::1"),
        (b"2001:DB9::1", "2001:db9::1"),
        (b"::ffff:192.0.2.1", "192.0.2.1"),
        (b"[::ffff:192.0.2.1]:1", "192.0.2.1"),
    ],
)
def test_ports_and_brackets_are_understood(node: bytes, address: str) -> None:
    told = address.encode() + b", 10.0.0.1"
    assert resolve("10.0.0.1", (b"X-Forwarded-For", node)) == (address, "http", told)
    assert resolve("10.0.0.1", (b"Forwarded", b'for="%s"' % node)) == (address, "http", told)


@pytest.mark.parametrize(
    ("value", "address", "scheme"),
    [
        (b"for=192.0.2.1", "192.0.2.1", "http"),
        (b"For=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1", "https"),
        (b'for="192.0.2.1:47011" ; proto="https"', "192.0.2.1", "https"),
        (b"for=6.6.6.6;proto=http, for=192.0.2.1;proto=https", "192.0.2.1", "https"),
        (b"for=192.0.2.1, for=10.0.0.9;proto=https", "192.0.2.1", "https"),
        (b"for=192.0.2.1,, ,for=10.0.0.9", "192.0.2.1", "http"),
        (b"for=unknown", "unknown", "http"),
        (b"for=_gazonk", "unknown", "http"),
        (b"by=10.0.0.1;proto=https", "unknown", "https"),
        (b"for=192.0.2.1;for=6.6.6.6", "unknown", "http"),
        (b"for=192.0.2.1;proto", "unknown", "http"),
        (b'for="192.0.2.1', "unknown", "http"),
        (b'for=6.6.6.6;x=", for="[2001:db9::1]"', "unknown", "http"),
        (b"192.0.2.1", "unknown", "http"),
    ],
)
def test_the_standard_header_is_read(value: bytes, address: str, scheme: str) -> None:
    assert resolve("10.0.0.1", (b"Forwarded", value))[:2] == (address, scheme)


def test_its_lines_are_one_list() -> None:
    assert (
        resolve("10.0.0.1", (b"Forwarded", b"for=6.6.6.6"), (b"forwarded", b"for=192.0.2.1"))[0]
        == "192.0.2.1"
    )


def test_headers_that_contradict_each_other_are_not_believed() -> None:
    """A proxy that sets one of them may pass the client's own through in the other."""
    told = [(b"X-Forwarded-For", b"192.0.2.1"), (b"X-Forwarded-Proto", b"http"), (b"X-Forwarded-Host", b"a")]
    forged = (b"Forwarded", b"for=6.6.6.6;proto=https;host=b")
    peer = real_peer(direct_peer("10.0.0.1", "http"), [*told, forged], TRUSTED)
    assert (peer.address, peer.scheme, peer.forwarded_host) == ("unknown", "http", None)
    assert peer.forwarded_for == b"unknown, 10.0.0.1"
    agreeing = (b"Forwarded", b"for=192.0.2.1:80;proto=http;host=a")
    peer = real_peer(direct_peer("10.0.0.1", "http"), [*told, agreeing], TRUSTED)
    assert (peer.address, peer.forwarded_host) == ("192.0.2.1", b"a")


def test_a_chain_too_long_to_be_read_is_unknown() -> None:
    proxies = b", ".join([b"10.0.0.2"] * 40)
    assert resolve("10.0.0.1", (b"X-Forwarded-For", b"192.0.2.1, " + proxies))[0] == "unknown"


def test_the_scheme_is_what_the_nearest_proxy_says() -> None:
    assert resolve("10.0.0.1", (b"X-Forwarded-Proto", b"https, http"))[1] == "http"


@given(
    st.lists(
        st.sampled_from([b"for=", b"1.2.3.4", b'"', b";", b",", b" ", b"\\", b"[", b"::1", b"]", b"="]),
        max_size=30,
    )
)
def test_whatever_is_said_gives_an_address_or_unknown(pieces: list[bytes]) -> None:
    address = resolve("10.0.0.1", (b"Forwarded", b"".join(pieces)))[0]
    assert address in {"1.2.3.4", "::1", "unknown", "10.0.0.1"}


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
