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
