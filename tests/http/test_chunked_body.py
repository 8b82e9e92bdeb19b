"""Chunked bodies that have arrived whole, in their plainest form."""

from __future__ import annotations

import pytest

from gateway.http.chunked_body import MOST_CHUNKS, content_of, one_chunk, whole_chunks

LAST = b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (LAST, b""),
        (b"000\r\n\r\n", b""),
        (b"5\r\nhello\r\n" + LAST, b"hello"),
        (b"5\r\nhello\r\n00000A\r\n\r\n0\r\n\r\n012\r\n" + LAST, b"hello\r\n0\r\n\r\n012"),
        (b"1\r\na\r\n" * (MOST_CHUNKS - 1) + LAST, b"a" * (MOST_CHUNKS - 1)),
    ],
)
def test_the_content_of_a_plain_chunked_body_is_read(data: bytes, content: bytes) -> None:
    assert content_of(data) == content


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0\r\n",
        b"0\r\n\r",
        b"5\r\nhello\r\n",
        b"5\r\nhello",
        b"5\r\nhell",
        b"5\r\nhelloxx" + LAST,
        b"5\r\nhello\n" + LAST,
        b"5\nhello\r\n" + LAST,
        b"6\r\nhello\r\n" + LAST,
        b"4\r\nhello\r\n" + LAST,
        b"-5\r\nhello\r\n" + LAST,
        b"+5\r\nhello\r\n" + LAST,
        b"0x5\r\nhello\r\n" + LAST,
        b"5_0\r\nhello\r\n" + LAST,
        b" 5\r\nhello\r\n" + LAST,
        b"5 \r\nhello\r\n" + LAST,
        b"5;a=b\r\nhello\r\n" + LAST,
        b"5\r\nhello\r\n0;a\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-A: 1\r\n\r\n",
        b"5\r\nhello\r\n" + LAST + b"GET / HTTP/1.1\r\n\r\n",
        b"5\r\nhello\r\n" + LAST + LAST,
        b"000000005\r\nhello\r\n" + LAST,
        b"ffffffff\r\nhello\r\n" + LAST,
        b"1\r\na\r\n" * MOST_CHUNKS + LAST,
    ],
)
def test_any_other_chunked_body_is_left_to_a_full_parser(data: bytes) -> None:
    assert content_of(data) is None


@pytest.mark.parametrize("content", [b"", b"a", b"x" * 1000])
def test_content_becomes_one_chunk(content: bytes) -> None:
    assert content_of(one_chunk(content)) == content
    assert one_chunk(content).count(b"\r\n") == (4 if content else 2)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (LAST, (b"", True)),
        (b"5\r\nhello\r\n", (b"hello", False)),
        (b"5\r\nhello\r\n1\r\n!\r\n", (b"hello!", False)),
        (b"5\r\nhello\r\n" + LAST, (b"hello", True)),
        (b"1\r\na\r\n" * MOST_CHUNKS, (b"a" * MOST_CHUNKS, False)),
        (b"", None),
        (b"5\r\nhello\r\n1", None),
        (b"5\r\nhello\r\n1\r\n!\r", None),
        (b"5\r\nhello\r\n0\r\n", None),
        (b"5;a\r\nhello\r\n", None),
        (b"1\r\na\r\n" * (MOST_CHUNKS + 1), None),
    ],
)
def test_chunks_of_a_body_are_read_where_they_are_whole(
    data: bytes, found: tuple[bytes, bool] | None
) -> None:
    assert whole_chunks(data) == found
