"""Answers out of bytes: however they are cut, and whatever they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.exchange import Headers, ResponseHead
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.response_parser import HEAD_LIMIT, ResponseParser
from gateway.upstream.simple_response import read_plain


@dataclass
class Read:
    """What a parser made of some bytes."""

    head: ResponseHead | None
    framing: UpstreamFraming
    body: bytes
    trailers: Headers
    complete: bool
    reusable: bool
    error: str | None
    informational: list[ResponseHead] = field(default_factory=list)


def read(
    *pieces: bytes, to_head: bool = False, upgrade: bool = False, parser: ResponseParser | None = None
) -> Read:
    parser = parser or ResponseParser()
    parser.expect(to_head=to_head, upgrade=upgrade)
    body, interim = b"", []
    for piece in pieces:
        parser.feed(piece)
        interim += parser.take_informational()
        body += parser.take_body()
        if parser.error or parser.complete:
            break
    return Read(
        parser.head,
        parser.framing,
        body,
        parser.trailers,
        parser.complete,
        parser.reusable,
        str(parser.error) if parser.error else None,
        interim,
    )


OK = b"HTTP/1.1 200 OK\r\n"


def test_a_length() -> None:
    got = read(OK + b"Content-Length: 2\r\nX: \xe9\r\nx:\r\n\r\nhi")
    assert got.head == ResponseHead(200, b"OK", [(b"Content-Length", b"2"), (b"X", b"\xe9"), (b"x", b"")])
    assert (got.framing, got.body, got.complete, got.reusable) == (UpstreamFraming.LENGTH, b"hi", True, True)


def test_chunks_and_trailers_apart_from_the_headers() -> None:
    got = read(
        OK + b"Transfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n3\r\nyou\r\n0\r\nT-A: 1\r\nETag: e\r\n\r\n"
    )
    assert got.body == b"hiyou"
    assert got.trailers == [(b"T-A", b"1"), (b"ETag", b"e")]
    assert got.head is not None
    assert got.head.headers == [(b"Transfer-Encoding", b"chunked")]
    assert got.complete
    assert got.reusable


@pytest.mark.parametrize("headers", [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_an_answer_to_head_ends_with_its_head(headers: bytes) -> None:
    parser = ResponseParser()
    got = read(OK + headers + b"\r\n", to_head=True, parser=parser)
    assert (got.framing, got.body, got.complete, got.reusable) == (UpstreamFraming.NONE, b"", True, True)
    following = read(OK + b"Content-Length: 2\r\n\r\nhi", parser=parser)
    assert (following.body, following.complete, following.reusable) == (b"hi", True, True)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_statuses_without_a_body(status: bytes) -> None:
    got = read(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n")
    assert (got.framing, got.complete, got.reusable) == (UpstreamFraming.NONE, True, True)


def test_informational_answers_come_before_the_final_one() -> None:
    got = read(
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    )
    assert [(head.status, head.headers) for head in got.informational] == [
        (100, []),
        (103, [(b"Link", b"</a>")]),
    ]
    assert got.head is not None
    assert got.head.headers == [(b"Content-Length", b"0")]
    assert got.complete


def test_after_an_upgrade_the_bytes_are_raw() -> None:
    head = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    got = read(head + b"\x81\x05raw", upgrade=True)
    assert (got.framing, got.body, got.complete, got.error) == (
        UpstreamFraming.UPGRADE,
        b"\x81\x05raw",
        False,
        None,
    )


@pytest.mark.parametrize(
    ("data", "upgrade"),
    [
        (b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", False),
        (b"HTTP/1.1 101 Switching\r\n\r\n", True),
    ],
)
def test_an_upgrade_unasked_or_unnamed_is_refused(data: bytes, upgrade: bool) -> None:
    assert read(data, upgrade=upgrade).error


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_without_a_length_the_end_is_the_connections_end(version: bytes) -> None:
    parser = ResponseParser()
    got = read(b"HTTP/" + version + b" 200 OK\r\n\r\nhello", parser=parser)
    assert (got.framing, got.body, got.complete) == (UpstreamFraming.CLOSE, b"hello", False)
    parser.finish()
    assert parser.complete
    assert parser.error is None
    assert not parser.reusable


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        OK + b"Content-Length: 5\r\n\r\nhi",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_a_truncated_answer_is_never_whole(data: bytes) -> None:
    parser = ResponseParser()
    read(data, parser=parser)
    parser.finish()
    assert parser.error is not None
    assert not parser.complete


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        OK + b"Content-Length: 2, 3\r\n\r\nhi",
        OK + b"Content-Length: +2\r\n\r\nhi",
        OK + b"Content-Length: -2\r\n\r\nhi",
        OK + b"Content-Length: 0x2\r\n\r\nhi",
        OK + b"Content-Length:\r\n\r\nhi",
        OK + b"Content-Length: 99999999999999999999999999\r\n\r\nhi",
        OK + b"Transfer-Encoding: gzip\r\n\r\nhi",
        OK + b"Transfer-Encoding: chunked, gzip\r\n\r\nhi",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"X: a\0b\r\n\r\n",
        OK + b"X: a\rb\r\n\r\n",
        OK + b"X: a\r\n folded\r\n\r\n",
        OK + b"X : a\r\n\r\n",
        OK + b": a\r\n\r\n",
        OK + b"X: a\nY: b\n\n",
        b"HTTP/1.1 200 a\0b\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 2 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"220 mail.test ESMTP\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    got = read(data)
    assert got.error
    assert not got.complete


@pytest.mark.parametrize("chunk", [b"2\r\nhixx", b"g\r\n", b"-1\r\n", b"2\nhi\n", b"fffffffffffffffffff\r\n"])
def test_a_broken_chunk_ends_the_answer(chunk: bytes) -> None:
    got = read(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    assert got.head is not None
    assert got.error
    assert not got.complete


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 2\r\n\r\nhi!",
        OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nhi!",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi",
    ],
)
def test_bytes_behind_an_answer_spoil_the_connection_only(data: bytes) -> None:
    got = read(data)
    assert got.complete
    assert got.error is None
    assert not got.reusable


def test_a_body_behind_an_answer_to_head_spoils_the_connection() -> None:
    got = read(OK + b"Content-Length: 2\r\n\r\nhi", to_head=True)
    assert (got.complete, got.body, got.reusable) == (True, b"", False)


def test_the_head_has_a_limit() -> None:
    within = b"X: " + b"a" * (HEAD_LIMIT - 100) + b"\r\n"
    assert read(OK + within + b"Content-Length: 0\r\n\r\n").complete
    above = b"X: " + b"a" * HEAD_LIMIT + b"\r\n"
    assert read(OK + above + b"Content-Length: 0\r\n\r\n").error
    assert read(OK, *[b"X: " + b"a" * 1000 + b"\r\n"] * 70).error
    assert read(OK + b"X: ", *[b"a" * 1000] * 70).error


def test_a_large_body_is_no_large_head() -> None:
    body = b"a" * (3 * HEAD_LIMIT)
    assert read(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body).body == body


def test_trailers_and_chunk_extensions_have_a_limit() -> None:
    start = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    assert read(start + b"0\r\n", *[b"X: " + b"a" * 1000 + b"\r\n"] * 70).error
    assert read(start + b"1;", *[b"x" * 1000] * 70).error


ANSWERS = [
    OK + b"Content-Length: 11\r\nX-A: b\r\n\r\nhello world",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: v\r\nU: w\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\nEmpty:\r\n\r\nhi",
    b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n',
    b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
]


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 200), max_size=12))
def test_how_an_answer_is_cut_changes_nothing(data: bytes, cuts: list[int]) -> None:
    marks = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
    pieces = [data[start:end] for start, end in pairwise(marks) if start < end]
    whole = read(data)
    assert whole.complete
    assert read(*pieces) == whole


FRAGMENTS = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                OK,
                b"HTTP/1.1 101 S\r\n",
                b"HTTP/1.1 100 C\r\n",
                b"HTTP/1.0 204 N\r\n",
                b"Content-Length: 3\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Connection: upgrade, close\r\n",
                b"Upgrade: h2c\r\n",
                b"\r\n",
                b"3\r\nabc\r\n",
                b"0\r\n\r\n",
                b"abc",
            ]
        ),
    ),
    max_size=10,
)


@settings(max_examples=300)
@given(FRAGMENTS, st.booleans(), st.booleans())
def test_no_bytes_make_it_raise(pieces: list[bytes], to_head: bool, upgrade: bool) -> None:
    parser = ResponseParser()
    got = read(*pieces, to_head=to_head, upgrade=upgrade, parser=parser)
    if got.framing is UpstreamFraming.UPGRADE:
        return
    parser.finish()
    assert (parser.error is None) == parser.complete
    if got.complete and got.head is not None:
        assert all(b"\r" not in value and b"\n" not in value for _, value in got.head.headers)


def test_a_connection_that_the_parser_takes_to_be_over_is_not_used_again() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nProxy-Connection: close\r\n\r\n"
    for whole in (chunks, b"HTTP/1.1 200 OK\r\nProxy-Connection: close\r\nContent-Length: 0\r\n\r\n"):
        got = read(whole)
        assert (got.complete, got.reusable) == (True, False)


CHUNKED_HEAD = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = st.lists(
    st.sampled_from(
        [
            b"5\r\nhello\r\n",
            b"2\r\n\r\n\r\n",
            b"A\r\n0123456789\r\n",
            b"3;x=y\r\nabc\r\n",
            b"3\r\nab",
            b"c\r\n",
            b"0\r\n\r\n",
            b"0\r\nT: 1\r\n\r\n",
            b"0\r",
            b"\n\r\n",
            b"1",
            b"g\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ]
    ),
    max_size=8,
)


def what_became(parser: ResponseParser, pieces: list[bytes]) -> tuple[object, ...]:
    body = parser.take_body()
    for piece in pieces:
        if parser.error or parser.complete:
            break
        body += parser.read_body(piece)
    parser.finish()
    assert parser.head is not None
    error = None if parser.error is None else str(parser.error)
    return (
        parser.head.headers,
        parser.framing,
        body,
        parser.trailers,
        parser.complete,
        parser.reusable,
        error,
    )


@settings(max_examples=500)
@given(CHUNKS, CHUNKS)
def test_behind_a_head_that_was_read_before_chunks_are_read_as_ever(
    begin: list[bytes], rest: list[bytes]
) -> None:
    found = read_plain(CHUNKED_HEAD)
    assert found is not None
    whole, behind = ResponseParser(), ResponseParser()
    for parser in (whole, behind):  # neither is new
        read(OK + b"Content-Length: 2\r\n\r\nhi", parser=parser)
    whole.expect(to_head=False, upgrade=False)
    whole.feed(CHUNKED_HEAD + b"".join(begin))
    behind.expect_chunks(found[0], b"".join(begin))
    assert behind.head is found[0]
    assert what_became(behind, rest) == what_became(whole, rest)
    if behind.complete and behind.reusable:
        assert read(OK + b"Content-Length: 2\r\n\r\nhi", parser=behind).body == b"hi"
