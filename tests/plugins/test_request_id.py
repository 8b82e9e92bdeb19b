from dataclasses import replace

import pytest
from pydantic import ValidationError

from gateway.http.exchange import Exchange
from plugins.request_id import RequestId, RequestIdConfig
from tests.plugins.exchanges import exchange, made


def test_the_answer_carries_the_id() -> None:
    sent = exchange()
    made(RequestId, header="X-Trace").on_request(sent)
    assert sent.added_response_headers == [(b"X-Trace", b"id-1")]


@pytest.mark.parametrize("header", ["", "X Id", "X:Id", "X-Id\r\nEvil"])
def test_a_header_that_cannot_be_sent_is_refused(header: str) -> None:
    with pytest.raises(ValidationError):
        RequestIdConfig(header=header)


def from_proxy(*ids: bytes, trusted: bool = True) -> Exchange:
    sent = exchange("/orders", *((b"x-request-id", value) for value in ids))
    sent.request = replace(sent.request, peer=replace(sent.request.peer, trusted=trusted))
    return sent


@pytest.mark.parametrize(
    ("sent", "accept", "expected"),
    [
        (from_proxy(b"abc-1"), True, "abc-1"),
        (from_proxy(b"abc-1"), False, "id-1"),
        (from_proxy(b"abc-1", trusted=False), True, "id-1"),
        (from_proxy(b"abc-1", b"abc-2"), True, "id-1"),
        (from_proxy(b"a b"), True, "id-1"),
        (from_proxy(b"a" * 129), True, "id-1"),
        (from_proxy(b"\x1b[31m"), True, "id-1"),
        (from_proxy(), True, "id-1"),
    ],
)
def test_an_id_is_taken_over_from_trusted_proxies_only(sent: Exchange, accept: bool, expected: str) -> None:
    made(RequestId, accept=accept).on_request(sent)
    assert sent.request_id == expected
    assert sent.added_response_headers == [(b"X-Request-Id", expected.encode())]
