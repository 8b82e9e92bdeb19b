"""Bodies of known length, however they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.exchange import ResponseHead
from gateway.upstream.content_length_body import ContentLengthBody
from gateway.upstream.response_handler import UpstreamFraming

LENGTH = 10


def counted(body: bytes = b"") -> ContentLengthBody:
    return ContentLengthBody(ResponseHead(200, b"OK", []), LENGTH, body)


@given(st.binary(max_size=14), st.lists(st.integers(0, 14), max_size=4))
def test_it_ends_with_the_last_byte_that_belongs_to_it(data: bytes, cuts: list[int]) -> None:
    marks = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(marks)]
    reader = counted(pieces[0])
    body = reader.take_body()
    for piece in pieces[1:]:
        body += reader.read_body(piece)
    assert body == data[:LENGTH]
    assert reader.complete == (len(data) >= LENGTH)
    assert reader.reusable == (len(data) <= LENGTH), "bytes after the answer are nobody's"


def test_pieces_that_nobody_took_are_kept() -> None:
    reader = counted(b"ab")
    reader.feed(b"cd")
    assert (reader.take_body(), reader.take_body()) == (b"abcd", b"")


@pytest.mark.parametrize("body", [b"", b"x" * (LENGTH - 1)])
def test_an_early_end_is_an_error(body: bytes) -> None:
    reader = counted(body)
    reader.finish()
    assert reader.error is not None
    assert not reader.complete


def test_the_end_after_the_last_byte_is_none() -> None:
    reader = counted(b"x" * LENGTH)
    reader.finish()
    assert reader.error is None


def test_it_has_neither_trailers_nor_interim_heads() -> None:
    reader = counted()
    assert (reader.framing, reader.trailers, reader.take_informational()) == (UpstreamFraming.LENGTH, [], [])
