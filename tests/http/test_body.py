"""Heads follow the body that plugins have left."""

import pytest

from gateway.http.body import mark_filtered, request_with_body, response_with_body, without_digests
from gateway.http.exchange import NOBODY, Headers, ResponseHead
from gateway.http.request_head import read_head


def headers_after(given: Headers, content: bytes, *, changed: bool) -> Headers:
    head = read_head("POST", b"/", (1, 1), [(b"Host", b"a"), *given], NOBODY)
    return list(request_with_body(head, content, changed=changed).headers)[1:]


@pytest.mark.parametrize(
    "framing",
    [
        [(b"Content-Length", b"3")],
        [(b"Transfer-Encoding", b"chunked"), (b"Expect", b"100-continue")],
    ],
)
def test_a_request_has_the_length_of_its_new_body(framing: Headers) -> None:
    assert headers_after(framing, b"longer", changed=True) == [(b"Content-Length", b"6")]


def test_a_request_without_a_body_gets_no_length() -> None:
    assert headers_after([], b"", changed=False) == []


def test_digests_go_with_the_bytes_that_they_are_of() -> None:
    digest = (b"Content-Digest", b"sha-256=:x:")
    assert headers_after([digest], b"a", changed=False) == [digest, (b"Content-Length", b"1")]
    assert headers_after([digest], b"a", changed=True) == [(b"Content-Length", b"1")]


@pytest.mark.parametrize(
    ("etag", "changed", "expected"),
    [(b'"a"', False, b'"a"'), (b'"a"', True, b'W/"a"'), (b'W/"a"', True, b'W/"a"')],
)
def test_a_strong_validator_becomes_weak_with_the_change(etag: bytes, changed: bool, expected: bytes) -> None:
    head = ResponseHead(200, b"OK", [(b"ETag", etag), (b"Transfer-Encoding", b"chunked")])
    found = response_with_body(head, b"ab", changed=changed)
    assert found.headers == [(b"ETag", expected), (b"Content-Length", b"2")]


def test_what_is_said_of_a_body_goes_where_it_is_changed_on_its_way() -> None:
    digest, own = (b"Repr-Digest", b"sha-256=:x:"), (b"X-Own", b"1")
    head = ResponseHead(
        200, b"OK", [(b"ETag", b'"a"'), digest, (b"Accept-Ranges", b"bytes"), (b"Content-Length", b"7"), own]
    )
    mark_filtered(head)
    assert head.headers == [(b"ETag", b'W/"a"'), own]
    assert without_digests([digest, own]) == [own]
