"""Copies of requests for a mirror: what they are, and what becomes of them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gateway.http.route import RouteUpstream
from gateway.proxy.mirroring import MAX_IN_FLIGHT, MAX_RESPONSE, Mirror, MirrorTarget
from gateway.upstream.errors import UpstreamUnavailable
from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import an_upstream, timeouts_of


class Shadow:
    """Notes the requests that it gets, and who waits for the response."""

    name = "shadow"
    settings = an_upstream([])

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem
        self.requests: list[UpstreamRequest] = []
        self.handlers: list[Any] = []
        self.aborted = 0

    def begin(self, handler: Any, request: UpstreamRequest) -> Any:
        if self.problem is not None:
            raise self.problem
        self.requests.append(request)
        self.handlers.append(handler)
        return self

    def abort(self) -> None:
        self.aborted += 1


def mirror(shadow: Shadow, base: bytes = b"", host: bytes | None = None, **changes: Any) -> Mirror:
    values: dict[str, Any] = {"percent": 100.0, "max_body": 10, "draw": lambda: 0.5} | changes
    return Mirror(MirrorTarget(cast(RouteUpstream, shadow), base, host), **values)


def request(head: bytes = b"GET /v1/a?b HTTP/1.1\r\nHost: h\r\n\r\n", **changes: Any) -> UpstreamRequest:
    return UpstreamRequest(head, "GET", timeouts_of(), **changes)


@pytest.mark.parametrize(
    ("base", "own", "host", "head"),
    [
        (b"", b"", None, b"GET /v1/a?b HTTP/1.1\r\nHost: h\r\n\r\n"),
        (b"/v2", b"/v1", None, b"GET /v2/a?b HTTP/1.1\r\nHost: h\r\n\r\n"),
        (b"/v2", b"", b"s:1", b"GET /v2/v1/a?b HTTP/1.1\r\nHost: s:1\r\n\r\n"),
        (b"", b"/v1", b"s", b"GET /a?b HTTP/1.1\r\nHost: s\r\n\r\n"),
    ],
)
def test_a_copy_has_the_mirrors_base_path_and_host(
    base: bytes, own: bytes, host: bytes | None, head: bytes
) -> None:
    shadow = Shadow()
    copy = mirror(shadow, base, host).copy(request(), own, 0)
    assert copy is not None
    copy.begin()
    assert [one.head for one in shadow.requests] == [head]


def test_a_host_in_a_body_is_left_alone() -> None:
    shadow = Shadow()
    head = b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n\r\nHost: x"
    copy = mirror(shadow, host=b"s").copy(request(head), b"", 9)
    assert copy is not None
    copy.begin()
    assert shadow.requests[0].head == head


def test_what_is_not_mirrored() -> None:
    shadow = Shadow()
    assert mirror(shadow).copy(request(upgrade=True), b"", 0) is None
    assert mirror(shadow).copy(request(), b"", 11) is None
    assert mirror(shadow, percent=50.0).copy(request(), b"", 0) is None
    assert mirror(shadow, percent=50.1).copy(request(), b"", 0) is not None
    assert mirror(shadow, percent=0.0, draw=lambda: 0.0).copy(request(), b"", 0) is None


@pytest.mark.parametrize(("chunked", "body"), [(False, b"hello you"), (True, b"9\r\nhello you\r\n0\r\n\r\n")])
def test_a_body_is_sent_when_it_has_passed(chunked: bool, body: bytes) -> None:
    shadow = Shadow()
    copy = mirror(shadow).copy(
        request(b"POST / HTTP/1.1\r\n\r\n", body_follows=True, chunked=chunked), b"", 0
    )
    assert copy is not None
    copy.begin()
    copy.write(b"hello ")
    copy.write(b"you")
    assert shadow.requests == []
    copy.write_end()
    (sent,) = shadow.requests
    assert (sent.head, sent.body_follows, sent.chunked) == (b"POST / HTTP/1.1\r\n\r\n" + body, False, False)


def test_a_copy_asks_for_no_100_continue() -> None:
    shadow = Shadow()
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    copy = mirror(shadow).copy(request(head, body_follows=True, expects_continue=True), b"", 0)
    assert copy is not None
    copy.begin()
    copy.write(b"hello")
    copy.write_end()
    (sent,) = shadow.requests
    assert sent.head == b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    assert not sent.expects_continue


def test_a_body_that_grows_too_large_is_forgotten() -> None:
    shadow = Shadow()
    copy = mirror(shadow).copy(request(body_follows=True), b"", 0)
    assert copy is not None
    for piece in (b"hello ", b"world", b"x"):
        copy.write(piece)
    copy.write_end()
    assert shadow.requests == []


@pytest.mark.parametrize("problem", [UpstreamUnavailable("no server"), RuntimeError("boom")])
def test_a_mirror_never_fails_the_request(problem: Exception) -> None:
    target = mirror(Shadow(problem))
    target.send(request())
    assert target.in_flight == 0


def test_copies_are_bounded_until_responses_come() -> None:
    shadow = Shadow()
    target = mirror(shadow)
    for _ in range(MAX_IN_FLIGHT + 5):
        target.send(request())
    assert len(shadow.requests) == target.in_flight == MAX_IN_FLIGHT
    shadow.handlers[0].on_end([])
    shadow.handlers[1].on_error(UpstreamUnavailable("gone"))
    assert target.in_flight == MAX_IN_FLIGHT - 2


def test_requests_without_a_copy_are_counted_by_their_reason() -> None:
    reasons: list[str] = []
    full = mirror(Shadow(), dropped=reasons.append)
    for _ in range(MAX_IN_FLIGHT + 1):
        full.send(request())
    assert reasons == ["busy"]
    mirror(Shadow(UpstreamUnavailable("gone")), dropped=reasons.append).send(request())
    target = mirror(Shadow(), dropped=reasons.append)
    assert target.copy(request(), b"", 11) is None
    growing = target.copy(request(body_follows=True), b"", 0)
    assert growing is not None
    for _ in range(3):
        growing.write(b"123456")
    assert reasons == ["busy", "unavailable", "body", "body"]
    # What was never meant to be copied is not counted.
    assert mirror(Shadow(), percent=50.0, dropped=reasons.append).copy(request(), b"", 11) is None
    assert len(reasons) == 4


def test_a_response_without_end_is_broken_off() -> None:
    shadow = Shadow()
    target = mirror(shadow)
    target.send(request())
    shadow.handlers[0].on_data(b"x" * MAX_RESPONSE)
    assert (shadow.aborted, target.in_flight) == (0, 1)
    shadow.handlers[0].on_data(b"x")
    assert (shadow.aborted, target.in_flight) == (1, 0)
