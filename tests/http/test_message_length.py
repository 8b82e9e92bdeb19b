"""Where a request ends."""

import pytest

from gateway.http.message_length import body_length, find_head_end


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST / HTTP/1.1", "Host: a", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ((), 0),
        (("Content-Length: 5",), 5),
        (("content-length:5  ",), 5),
        (("CONTENT-LENGTH:\t0",), 0),
        (("Upgrade: websocket", "Connection: Upgrade"), 0),
        (("Transfer-Encoding: chunked",), None),
        (("Content-Length: 5", "transfer-encoding: chunked"), None),
        (("Content-Length: 5", "Content-Length: 5"), None),
        (("Content-Length: +5",), None),
        (("Content-Length: 5, 5",), None),
        (("Content-Length : 5",), None),
        (("Content-Length: 1234567890123456789",), None),
        (("X-Says: no transfer-encoding here",), None),
        (("X-Says: content-length: 5",), None),
    ],
)
def test_the_bodys_length_is_reported_where_there_is_no_doubt(
    lines: tuple[str, ...], length: int | None
) -> None:
    assert body_length(head(*lines)) == length


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", -1),
        (b"\r\n\r\n", -1),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", -1),
        (b"GET / HTTP/1.1\r\n\r\n", 18),
        (b"\r\n\r\nGET / HTTP/1.1\r\n\r\nmore", 22),
    ],
)
def test_a_heads_end_is_found_behind_empty_lines(data: bytes, end: int) -> None:
    assert find_head_end(data) == end


@pytest.mark.parametrize("seen", range(19))
def test_an_end_that_came_in_pieces_is_found(seen: int) -> None:
    assert find_head_end(b"GET / HTTP/1.1\r\n\r\n", seen if seen < 18 else 17) == 18
