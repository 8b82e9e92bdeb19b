"""Server-sent events are shown one by one, however the bytes arrive."""

from __future__ import annotations

import pytest

from gateway.http.event_stream import EventStream
from gateway.http.problems import Problem


def upper(data: bytes) -> bytes | None:
    """Changes some events."""
    return data.upper().replace(b"\n", b"|") if data.startswith(b"a") else None


def whole(stream: bytes) -> bytes:
    events = EventStream(upper, 1000)
    return events.feed(stream) + events.finish()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: ab\n\n", b"data: AB\n\n"),
        (b"data:ab\n\ndata: b\n\n", b"data: AB\n\ndata: b\n\n"),
        (b"event: message\r\nid: 7\r\ndata: ab\r\n\r\n", b"event: message\r\nid: 7\r\ndata: AB\r\n\r\n"),
        (b"data: ab\rid: 1\r\r", b"data: AB\rid: 1\r\r"),
        (b"data: a\nid: 7\ndata: b\nretry: 1\n\n", b"data: A|B\nid: 7\nretry: 1\n\n"),
        (b": hi\n\ndata: x\n: in between\n\n", b": hi\n\ndata: x\n: in between\n\n"),
        (b"data\n\nid: 1\n\n\n\n", b"data\n\nid: 1\n\n\n\n"),
        (b"database: a\n\n", b"database: a\n\n"),
        (b"\xef\xbb\xbfdata: ab\n\n", b"data: AB\n\n"),
        (b"data: ab", b"data: AB"),
        (b"data: ab\n", b"data: AB\n"),
        (b"", b""),
    ],
)
def test_an_event_is_changed_and_all_else_passes_byte_for_byte(stream: bytes, expected: bytes) -> None:
    assert whole(stream) == expected
    events = EventStream(upper, 1000)
    by_byte = [events.feed(stream[:3])] + [events.feed(stream[i : i + 1]) for i in range(3, len(stream))]
    assert b"".join([*by_byte, events.finish()]) == expected


def test_an_event_leaves_with_its_last_byte_and_a_comment_with_its_line() -> None:
    events = EventStream(upper, 1000)
    assert events.feed(b"data: ab\n") == b""
    assert events.feed(b"\n: alive\n") == b"data: AB\n\n: alive\n"
    assert events.feed(b"data: c\r\n\r") == b"data: c\r\n\r"
    assert events.feed(b"\ndata: ab\r\r") == b"\ndata: AB\r\r"
    assert events.feed(b": alive\r") == b": alive\r"
    assert events.feed(b"\n") == b"\n"


def test_a_line_end_may_be_split_within_an_event() -> None:
    events = EventStream(upper, 1000)
    sent = [events.feed(part) for part in (b"data: a\r", b"\ndata: b\r", b"\nid: 1\r\n\r\n")]
    assert sent == [b"", b"", b"data: A|B\r\nid: 1\r\n\r\n"]


@pytest.mark.parametrize("part", [b"data: " + b"x" * 200 + b"\n", b"x" * 200])
def test_an_event_is_not_held_without_bound(part: bytes) -> None:
    events = EventStream(upper, 1000)
    fed = (events.feed(part) for _ in range(6))
    with pytest.raises(Problem, match="larger than 1000 bytes"):
        list(fed)


def test_events_within_the_limit_pass_however_many_there_are() -> None:
    events = EventStream(upper, 1000)
    assert sum(len(events.feed(b"data: " + b"x" * 900 + b"\n\n")) for _ in range(10)) == 9080
