"""Where an answer's body ends, and whether its connection lives on."""

from __future__ import annotations

import pytest

from gateway.http.exchange import Header
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.response_handler import UpstreamFraming
from gateway.upstream.response_length import response_framing_of, sound_reason


def judge(
    *headers: Header, status: int = 200, to_head: bool = False, http_10: bool = False
) -> tuple[UpstreamFraming, bool]:
    return response_framing_of(status, list(headers), to_head=to_head, http_10=http_10)


def test_the_headers_tell_the_end() -> None:
    assert judge((b"Content-Length", b"5")) == (UpstreamFraming.LENGTH, True)
    assert judge((b"tRANSFER-eNCODING", b"Chunked")) == (UpstreamFraming.CHUNKED, True)
    assert judge((b"Server", b"x")) == (UpstreamFraming.CLOSE, False)


@pytest.mark.parametrize(("status", "to_head"), [(200, True), (204, False), (304, False)])
def test_some_answers_never_have_a_body(status: int, to_head: bool) -> None:
    assert judge((b"Content-Length", b"5"), status=status, to_head=to_head) == (UpstreamFraming.NONE, True)
    assert judge(status=status, to_head=to_head) == (UpstreamFraming.NONE, True)


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"", b"x"])
def test_a_coding_that_cannot_be_undone_is_refused(coding: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        judge((b"Transfer-Encoding", coding))


def test_a_repeated_coding_is_refused() -> None:
    with pytest.raises(UpstreamBroken):
        judge((b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked"))


def test_a_coding_in_http_1_0_is_refused() -> None:
    with pytest.raises(UpstreamBroken):
        judge((b"Transfer-Encoding", b"chunked"), http_10=True)


@pytest.mark.parametrize(
    ("options", "http_10", "lives_on"),
    [
        ([], False, True),
        ([b"close"], False, False),
        ([b"x, Close ,y"], False, False),
        ([b"keep-alive", b"close"], False, False),
        ([b"closed"], False, True),
        ([], True, False),
        ([b"Keep-Alive"], True, True),
        ([b"keep-alive, close"], True, False),
    ],
)
def test_who_keeps_the_connection(options: list[bytes], http_10: bool, lives_on: bool) -> None:
    headers = [(b"Content-Length", b"0"), *((b"Connection", option) for option in options)]
    assert judge(*headers, http_10=http_10) == (UpstreamFraming.LENGTH, lives_on)


def test_a_reason_is_text() -> None:
    assert sound_reason(b"")
    assert sound_reason(b"Not\tFound \xe9")
    assert not sound_reason(b"a\0b")
    assert not sound_reason(b"a\x1bb")
    assert not sound_reason(b"a\rb")
