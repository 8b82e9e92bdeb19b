import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.forwarded import direct_peer
from gateway.http.problems import Problem
from gateway.http.request_head import read_head
from gateway.oauth.bearer import AuthError, BearerCredentials
from gateway.proxy.simple_request import MAX_BLOCK, MAX_BLOCKS, parse_header_block, parse_simple_request

PEER = direct_peer("192.0.2.1", "http")
BLOCK = b"Host: a\r\nX-A:  1 \r\nAuthorization: Bearer t\r\n"


def test_a_plain_request_is_read() -> None:
    plain = parse_simple_request(b"POST /a/b?c=d HTTP/1.1\r\n" + BLOCK + b"Content-Length: 3\r\n\r\nabc")
    assert plain is not None
    assert (plain.method, plain.path, plain.query, plain.body) == ("POST", b"/a/b", b"c=d", b"abc")
    assert plain.block.token == BearerCredentials("t", dpop=False)
    assert (b"X-A", b"1") in plain.block.headers


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        b"FOO / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: bad host\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-A\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: X-A\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MAX_BLOCK + b"\r\n\r\n",
    ],
)
def test_everything_else_is_left_to_the_full_parser(data: bytes) -> None:
    assert parse_simple_request(data) is None


def test_two_tokens_are_a_refusal_not_a_token() -> None:
    plain = parse_simple_request(
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"
    )
    assert plain is not None
    assert plain.block.token is AuthError.MALFORMED


def test_what_is_remembered_is_bounded() -> None:
    for number in range(MAX_BLOCKS + 500):
        parse_header_block(b"Host: a\r\nX-N: %d\r\n" % number)
    assert parse_header_block.cache_info().currsize == MAX_BLOCKS


@given(st.binary(max_size=80), st.binary(max_size=20))
def test_the_full_rules_accept_what_the_fast_path_reads_and_read_the_same(middle: bytes, path: bytes) -> None:
    plain = parse_simple_request(b"GET /" + path + b" HTTP/1.1\r\nHost: a\r\n" + middle + b"\r\n\r\n")
    if plain is None:
        return
    try:
        head = plain.head(PEER)
    except Problem:
        return
    assert head == read_head("GET", plain.target, (1, 1), plain.block.headers, PEER)


@pytest.mark.parametrize(
    ("lines", "last"),
    [(b"", False), (b"Connection: Keep-Alive\r\n", False), (b"Connection: Close\r\n", True)],
)
def test_it_says_whether_the_connection_ends_with_the_answer(lines: bytes, last: bool) -> None:
    plain = parse_simple_request(b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % lines)
    assert plain is not None
    assert plain.block.last is last


@pytest.mark.parametrize(("came", "missing"), [(b"abc", 0), (b"ab", 1), (b"", 3)])
def test_it_says_how_much_of_the_body_has_not_come(came: bytes, missing: int) -> None:
    plain = parse_simple_request(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n" + came)
    assert plain is not None
    assert (plain.body, plain.missing) == (came, missing)


@pytest.mark.parametrize(
    ("lines", "expects"),
    [(b"", False), (b"Expect: 100-continue\r\n", True), (b"expect:100-CONTINUE\r\n", True)],
)
def test_it_says_whether_the_client_expects_100(lines: bytes, expects: bool) -> None:
    plain = parse_simple_request(b"POST / HTTP/1.1\r\nHost: a\r\n%sContent-Length: 3\r\n\r\n" % lines)
    assert plain is not None
    assert plain.block.expects is expects
