"""The plain values of a proxied request."""

from dataclasses import fields, replace

from gateway.http.exchange import Exchange, Peer, RequestHead, TimeoutOverrides
from tests.proxy.routing import request, route


def test_a_request_gives_its_headers_as_text() -> None:
    head = RequestHead(
        method="GET",
        target=b"/",
        path=b"/",
        segments=(),
        query=None,
        host="a",
        headers=((b"X-Name", "é".encode("latin-1")), (b"x-name", b"2")),
        peer=Peer("192.0.2.1", "https"),
    )
    assert head.header("x-name") == "é"
    assert head.header("X-Other") is None
    for _ in range(2):
        assert head.values(b"x-name") == ("é".encode("latin-1"), b"2")
        assert (head.values(b"x-other"), head.value(b"x-other")) == ((), None)


def test_another_request_made_of_one_has_its_own_headers() -> None:
    head = RequestHead("GET", b"/", b"/", (), None, "a", ((b"X-Name", b"1"),), Peer("192.0.2.1", "https"))
    assert head.value(b"x-name") == b"1"
    assert replace(head, headers=((b"X-Name", b"2"),)).value(b"x-name") == b"2"
    assert replace(head) == head


def test_each_request_has_its_own_notes_and_added_headers() -> None:
    one, other = (Exchange(request("/"), route("/"), "id") for _ in range(2))
    one.state["a"] = 1
    one.added_response_headers.append((b"A", b"1"))
    assert (other.state, other.added_response_headers) == ({}, [])


def test_a_copy_of_an_exchange_has_all_that_it_has() -> None:
    made = Exchange(
        request("/"), route("/"), "id", None, None, None, [(b"A", b"1")], 7, TimeoutOverrides(1.0), {"a": 1}
    )
    assert replace(made) == made
    assert [getattr(made, field.name) for field in fields(made)][6:] == [
        [(b"A", b"1")], 7, TimeoutOverrides(1.0), {"a": 1}
    ]  # fmt: skip
