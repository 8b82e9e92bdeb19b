"""Which bytes belong to the request that aiohttp has."""

import pytest

from gateway.web.intake import HEAD_LIMIT, Intake

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "request_", [HEAD, POST + b"12345", b"\r\n" + HEAD], ids=["plain", "body", "empty line"]
)
def test_a_request_ends_where_it_ends_however_it_is_cut(request_: bytes) -> None:
    stream = request_ + b"GET /next"
    for cut in range(1, len(stream)):
        intake = Intake()
        shares = [intake.share(stream[:cut]), 0]
        if shares[0] == cut:
            shares[1] = intake.share(stream[cut:])
        assert sum(shares) == len(request_), cut
        assert intake.whole(parsed=False)


def test_it_is_not_whole_before_its_last_byte() -> None:
    intake = Intake()
    assert not intake.whole(parsed=True)
    for place in range(len(POST) + 4):
        intake.share((POST + b"1234")[place : place + 1])
        assert not intake.whole(parsed=True), place
    intake.share(b"5")
    assert intake.whole(parsed=False)


def test_the_next_one_is_followed_like_the_first() -> None:
    intake = Intake()
    for request in (POST + b"12345", HEAD, POST + b"12345"):
        intake.begin()
        assert intake.share(request + b"x") == len(request)


def test_a_chunked_body_ends_where_the_parser_says() -> None:
    intake = Intake()
    body = CHUNKED + b"1\r\nx\r\n0\r\n\r\n"
    assert intake.share(body) == len(body)
    assert not intake.whole(parsed=False)
    assert intake.whole(parsed=True)


def test_bytes_behind_a_chunked_body_leave_it_to_the_parser() -> None:
    intake = Intake()
    intake.share(CHUNKED + b"0\r\n\r\nGET / HTT")
    assert not intake.whole(parsed=True)


def test_a_chunked_bodys_end_may_come_in_pieces() -> None:
    intake = Intake()
    for piece in (CHUNKED, b"0\r", b"\n\r", b"\n"):
        assert intake.share(piece) == len(piece)
    assert intake.whole(parsed=True)


def test_a_head_that_only_the_parser_finds_whole_is_left_to_it() -> None:
    intake = Intake()
    intake.share(b"GET / HTTP/1.1\nHost: a\n\n")
    intake.begun()
    assert not intake.whole(parsed=True)
    assert intake.share(HEAD + b"x") == len(HEAD) + 1


def test_a_head_that_is_whole_stays_so() -> None:
    intake = Intake()
    intake.share(HEAD)
    intake.begun()
    assert intake.whole(parsed=False)


def test_no_head_is_kept_without_end() -> None:
    intake = Intake()
    piece = b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT
    assert intake.share(piece) == len(piece)
    assert intake.share(b"\r\n\r\nGET") == 7
    assert not intake.whole(parsed=True)
