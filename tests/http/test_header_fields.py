import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.exchange import Headers
from gateway.http.header_fields import parse_header_lines, render_header_lines


def test_lines_are_read_in_their_order_without_the_space_around_the_value() -> None:
    assert parse_header_lines(b"A: 1\r\nb:\t\xe9 2 \r\nA:\r\n") == [
        (b"A", b"1"),
        (b"b", b"\xe9 2"),
        (b"A", b""),
    ]
    assert parse_header_lines(b"") == []


@pytest.mark.parametrize(
    "lines",
    [
        b"A",
        b"A: 1",
        b"A: 1\n",
        b"A : 1\r\n",
        b": 1\r\n",
        b"A: 1\r\n 2\r\n",
        b"A: \0\r\n",
        b"A: a\rb\r\n",
        b"\r\n",
    ],
)
def test_what_is_not_sound_is_not_read(lines: bytes) -> None:
    assert parse_header_lines(lines) is None


NAMES = st.text("abcXYZ-_09", min_size=1).map(str.encode)
VALUES = st.text("ab c\t\xe9;=,").map(lambda text: text.strip(" \t").encode("latin-1"))


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_what_is_written_is_read_again(headers: Headers) -> None:
    assert parse_header_lines(render_header_lines(headers)) == headers
