import pytest

from gateway.http.cached_response_head import CachedResponseHead
from gateway.http.exchange import ResponseHead


def test_it_is_a_head_whose_headers_are_read_when_asked_for() -> None:
    head = CachedResponseHead(200, b"OK", b"A: 1\r\nb: \r\n", 5)
    assert isinstance(head, ResponseHead)
    assert head.headers == [(b"A", b"1"), (b"b", b"")]
    assert head.headers is head.headers


def test_it_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError, match="header"):
        _ = CachedResponseHead(200, b"OK", b"", 0).header


@pytest.mark.parametrize(
    ("content_type", "events"),
    [(b"text/event-stream", True), (b"Text/Event-Stream; charset=utf-8", True), (b"text/plain", False)],
)
def test_it_says_whether_its_body_is_a_stream_of_events(content_type: bytes, events: bool) -> None:
    lines = b"X-A: text/event-stream\r\nContent-Type: %s\r\n" % content_type
    head = CachedResponseHead(200, b"OK", lines, None)
    assert (head.is_event_stream, head.is_event_stream) == (events, events)
    assert ResponseHead(200, b"OK", head.headers).is_event_stream == events
    assert not CachedResponseHead(200, b"OK", b"", None).is_event_stream
