import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.head_limits import DEFAULT_LIMITS
from gateway.http.problems import Problem
from gateway.http.request_target import parse_target


def status(raw: bytes) -> int:
    with pytest.raises(Problem) as caught:
        parse_target(raw)
    return caught.value.kind.status


def test_a_plain_target_is_split() -> None:
    target = parse_target(b"/orders/7?full=1&x")
    assert (target.path, target.segments, target.query) == (b"/orders/7", ("orders", "7"), b"full=1&x")


def test_the_raw_bytes_stay_as_they_came() -> None:
    raw = b"/a%20b/%C3%A9/@:,;=?q=%zz&[]|"
    target = parse_target(raw)
    assert target.raw == raw
    assert target.segments == ("a b", "é", "@:,;=")


def test_an_encoded_letter_is_the_same_path() -> None:
    assert parse_target(b"/%61dmin").segments == ("admin",)


def test_a_path_is_decoded_only_once() -> None:
    assert parse_target(b"/%252e%252e/x").segments == ("%2e%2e", "x")


@pytest.mark.parametrize(("raw", "query"), [(b"/a", None), (b"/a?", b""), (b"/a?b?c", b"b?c")])
def test_an_empty_query_is_distinguished_from_none(raw: bytes, query: bytes | None) -> None:
    assert parse_target(raw).query == query


@pytest.mark.parametrize(
    "raw",
    [
        b"/a/../b",
        b"/a/./b",
        b"/..",
        b"/.",
        b"/a/%2e%2e/b",
        b"/a/%2E./b",
        b"/a/.%2e",
        b"/%2e",
        b"/a/..;/b",
        b"/a/..;x=1/b",
        b"/a/.;/b",
        b"/a/%2e%2e%3bx/b",
        b"/a/..%3b/b",
        b"/a%5cb",
        b"/a\\b",
        b"/a%00",
        b"/a\x00b",
        b"/a%0A",
        b"/a%0d%0ab",
        b"/a%7f",
        b"/a%C2%85",
        b"/a{b}",
        b"/a`b",
        b"/%",
        b"/%4",
        b"/%zz",
        b"/a%2",
        b"/\xc3\xa9",
        b"/a b",
        b"/a#b",
        b'/a"b',
        b"/a<b>",
        b"/a\x7f",
        b"/a\tb",
        b"/%c0%ae%c0%ae/x",
        b"/%c0%afx",
        b"/%e0%80%ae",
        b"/a?b#c",
        b"/a?\x00",
        b"/a?\xff",
        b"/a?b c",
        b"",
        b"*",
        b"orders",
        b"?x",
        b"ftp://h/a",
        b"http:///a",
        b"http://u@h/a",
        b"http:/h/a",
        b"h:443",
    ],
)
def test_what_is_ambiguous_or_malformed_is_refused(raw: bytes) -> None:
    assert status(raw) == 400


def test_the_absolute_form_is_accepted() -> None:
    target = parse_target(b"http://api.example.org:8280/a?b")
    assert (target.authority, target.raw, target.segments) == (b"api.example.org:8280", b"/a?b", ("a",))
    assert parse_target(b"HTTPS://h").raw == b"/"
    assert parse_target(b"http://h?q").raw == b"/?q"


def test_a_long_target_is_414() -> None:
    assert parse_target(b"/" + b"a" * (DEFAULT_LIMITS.target - 1))
    assert status(b"/" + b"a" * DEFAULT_LIMITS.target) == 414


@given(st.binary(max_size=60))
def test_any_bytes_give_a_clean_target_or_a_4xx(raw: bytes) -> None:
    try:
        target = parse_target(b"/" + raw)
    except Problem:
        return
    assert target.raw == b"/" + raw
    assert not {".", ".."} & set(target.segments)
    assert not any("\\" in segment or "\0" in segment or "\n" in segment for segment in target.segments)


def test_what_browsers_send_raw_passes_as_it_came() -> None:
    """The URL Standard's path percent-encode set leaves these alone; `^` is sent raw by older browsers."""
    target = parse_target(b"/a[1]|b^c")
    assert (target.path, target.segments) == (b"/a[1]|b^c", ("a[1]|b^c",))


def test_empty_segments_and_encoded_slashes_are_left_to_the_route_table() -> None:
    assert parse_target(b"//a//b/").segments == ("", "a", "", "b", "")
    assert parse_target(b"/a%2fb").segments == ("a/b",)
