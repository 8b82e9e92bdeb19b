"""Which bytes belong to the request that aiohttp has."""

import pytest

from gateway.server.request_splitter import HEAD_LIMIT, RequestSplitter

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_", [HEAD, POST + b"12345", b"\r\n" + HEAD], ids=["plain", "body", "empty line"]
)
def test_a_request_ends_where_it_ends_however_it_is_cut(request_: bytes) -> None:
    stream = request_ + b"GET /next"
    for cut in range(1, len(stream)):
        splitter = RequestSplitter()
        shares = [splitter.take(stream[:cut]), 0]
        if shares[0] == cut:
            shares[1] = splitter.take(stream[cut:])
        assert sum(shares) == len(request_), cut
        assert splitter.complete(parsed=False)


def test_it_is_not_whole_before_its_last_byte() -> None:
    splitter = RequestSplitter()
    assert not splitter.complete(parsed=True)
    for place in range(len(POST) + 4):
        splitter.take((POST + b"1234")[place : place + 1])
        assert not splitter.complete(parsed=True), place
    splitter.take(b"5")
    assert splitter.complete(parsed=False)


def test_the_next_one_is_followed_like_the_first() -> None:
    splitter = RequestSplitter()
    for request in (POST + b"12345", HEAD, POST + b"12345"):
        splitter.begin()
        assert splitter.take(request + b"x") == len(request)


def test_a_chunked_body_ends_where_the_parser_says() -> None:
    splitter = RequestSplitter()
    body = CHUNKED + b"1\r\nx\r\n0\r\n\r\n"
    assert splitter.take(body) == len(body)
    assert not splitter.complete(parsed=False)
    assert splitter.complete(parsed=True)


def test_bytes_behind_a_chunked_body_leave_it_to_the_parser() -> None:
    splitter = RequestSplitter()
    splitter.take(CHUNKED + b"0\r\n\r\nGET / HTT")
    assert not splitter.complete(parsed=True)


def test_a_chunked_bodys_end_may_come_in_pieces() -> None:
    splitter = RequestSplitter()
    for piece in (CHUNKED, b"0\r", b"\n\r", b"\n"):
        assert splitter.take(piece) == len(piece)
    assert splitter.complete(parsed=True)


def test_a_head_that_only_the_parser_finds_whole_is_left_to_it() -> None:
    splitter = RequestSplitter()
    splitter.take(b"GET / HTTP/1.1\nHost: a\n\n")
    splitter.request_started()
    assert not splitter.complete(parsed=True)
    assert splitter.take(HEAD + b"x") == len(HEAD) + 1


def test_a_head_that_is_whole_stays_so() -> None:
    splitter = RequestSplitter()
    splitter.take(HEAD)
    splitter.request_started()
    assert splitter.complete(parsed=False)


def test_no_head_is_kept_without_end() -> None:
    splitter = RequestSplitter()
    piece = b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT
    assert splitter.take(piece) == len(piece)
    assert splitter.take(b"\r\n\r\nGET") == 7
    assert not splitter.complete(parsed=True)
