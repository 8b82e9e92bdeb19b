"""Plain answers, read at once: as the full parser reads them, or not at all."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.response_parser import ResponseParser
from gateway.upstream.simple_response import MAX_HEAD, MAX_HEADS, read_head, read_plain

OK = b"HTTP/1.1 200 OK\r\n"
TWO = b"Content-Length: 2\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def test_a_plain_answer_is_read_with_its_body() -> None:
    found = read_plain(OK + b"X-A: 1\r\n" + TWO + b"Connection: Keep-Alive\r\n\r\nhi")
    assert found is not None
    head, body = found
    assert (head.status, head.reason, head.length, body) == (200, b"OK", 2, b"hi")
    assert head.headers[0] == (b"X-A", b"1")


def test_the_head_of_a_chunked_answer_has_no_length() -> None:
    found = read_plain(OK + b"transfer-encoding: Chunked\r\nConnection: keep-alive\r\n\r\n2\r\nhi")
    assert found is not None
    assert (found[0].length, found[1]) == (None, b"2\r\nhi")


def test_the_same_bytes_have_the_same_head() -> None:
    first, second = (read_plain(OK + TWO + b"\r\n" + body) for body in (b"hi", b"ho"))
    assert first is not None
    assert second is not None
    assert first[0] is second[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        OK,
        OK + b"\r\n",
        OK + TWO + TWO + b"\r\nhi",
        OK + b"Content-Length: +2\r\n\r\nhi",
        OK + b"Content-Length: 2, 2\r\n\r\nhi",
        OK + b"Content-Length:\r\n\r\n",
        OK + TWO + CHUNKED + b"\r\nhi",
        OK + CHUNKED + TWO + b"\r\nhi",
        OK + CHUNKED + CHUNKED + b"\r\n",
        OK + CHUNKED + b"Connection: close\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
        OK + b"Transfer-Encoding:chunked\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n",
        b"HTTP/1.1 204 No Content\r\n" + CHUNKED + b"\r\n",
        OK + TWO + b"Connection: close\r\n\r\nhi",
        OK + TWO + b"Connection: X-A\r\n\r\nhi",
        OK + TWO + b"Proxy-Connection: close\r\n\r\nhi",
        OK + TWO + b"Upgrade: h2c\r\n\r\nhi",
        OK + TWO + b"X-A: 1 \r\n\r\nhi",
        OK + TWO + b"X-A:1\r\n\r\nhi",
        OK + TWO + b"X-A:  1\r\n\r\nhi",
        OK + b"Content-Length: 02\r\n\r\nhi",
        OK + b"Content-Length:2\r\n\r\nhi",
        OK + TWO + b"X-A : 1\r\n\r\nhi",
        OK + TWO + b"X-A: 1\r\n 2\r\n\r\nhi",
        OK + TWO + b"X-A: \0\r\n\r\nhi",
        OK + TWO + b"X-A: 1\nX-B: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\n" + TWO + b"\r\nhi",
        b"HTTP/1.1 200 OK \r\n" + TWO + b"\r\nhi",
        b"HTTP/1.1 200 O\nK\r\n" + TWO + b"\r\nhi",
        b"HTTP/1.1 20 OK\r\n" + TWO + b"\r\nhi",
        b"HTTP/1.1 100 Continue\r\n" + TWO + b"\r\nhi",
        b"HTTP/1.1 101 Switching\r\n" + TWO + b"\r\nhi",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n",
        OK + TWO + b"X: " + b"a" * MAX_HEAD + b"\r\n\r\nhi",
    ],
)
def test_everything_else_is_left_to_the_full_parser(data: bytes) -> None:
    assert read_plain(data) is None


def test_what_is_remembered_is_bounded() -> None:
    for number in range(MAX_HEADS + 500):
        read_head(OK + TWO + b"X-N: %d" % number)
        assert len(read_head.recent) + len(read_head._older) <= MAX_HEADS


LINES = st.sampled_from(
    [
        TWO,
        CHUNKED,
        b"Connection: keep-alive\r\n",
        b"X-A:\t1\r\n",
        b"X-B: \r\n",
        b"Set-Cookie: a=b; c\r\n",
        b"x:\r\n",
    ]
)


@settings(max_examples=300)
@given(st.lists(st.one_of(LINES, st.binary(max_size=12))), st.sampled_from([OK, b"HTTP/1.1 404 N\r\n"]))
def test_what_it_reads_the_parser_reads_alike(lines: list[bytes], first: bytes) -> None:
    data = first + b"".join(lines) + b"\r\n"
    found = read_plain(data)
    if found is None or found[1] or found[0].length not in (2, None):
        return
    head, chunked = found[0], found[0].length is None
    data += b"2\r\nhi\r\n0\r\n\r\n" if chunked else b"hi"
    parser = ResponseParser()
    parser.expect(to_head=False, upgrade=False)
    parser.feed(data)
    assert parser.head is not None
    assert astuple(parser.head) == astuple(head)
    framing = UpstreamFraming.CHUNKED if chunked else UpstreamFraming.LENGTH
    assert (parser.framing, parser.complete, parser.reusable) == (framing, True, True)
    assert (parser.error, parser.take_body()) == (None, b"hi")
