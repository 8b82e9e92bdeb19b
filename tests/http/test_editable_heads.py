"""Heads that plugins change."""

from gateway.http.editable_heads import ForwardHead, Headers, ResponseHead, header_values

HEADERS: Headers = [(b"X-One", b"1"), (b"x-two", b"2"), (b"X-ONE", b"3")]


def test_headers_are_found_in_any_case_and_in_their_order() -> None:
    assert header_values(HEADERS, b"x-one") == [b"1", b"3"]


def test_a_head_that_can_be_changed_gives_its_headers_and_takes_more() -> None:
    head = ForwardHead("GET", b"/", [(b"X-A", b"1"), (b"x-a", b"2"), (b"B", b"3")])
    head.add(b"X-A", b"4")
    assert head.values(b"x-a") == [b"1", b"2", b"4"]
    assert head.values(b"c") == []
    assert head.headers[-1] == (b"X-A", b"4")


def test_setting_a_header_replaces_all_of_that_name_and_leaves_the_others() -> None:
    for made in (ForwardHead("GET", b"/", HEADERS[:]), ResponseHead(200, b"OK", HEADERS[:])):
        made.set("x-one", "new")
        assert made.headers == [(b"x-two", b"2"), (b"x-one", b"new")]
        made.remove("X-TWO")
        assert made.headers == [(b"x-one", b"new")]
