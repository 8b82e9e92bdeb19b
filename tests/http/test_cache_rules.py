"""RFC 9111: what is stored, for how long, for whom, and when it may be given out."""

from __future__ import annotations

import pytest

from gateway.http.cache_rules import (
    StoredResponse,
    date_value,
    directives,
    http_date,
    is_for_all,
    is_known,
    is_storable,
    may_be_used,
    may_outlast_errors,
    vary_names,
    vary_values,
)
from gateway.http.exchange import Header, Headers

NOW = 1_800_000_000.0
DATE = (b"Date", date_value(NOW))


def control(value: str) -> Header:
    return (b"Cache-Control", value.encode())


def stored(*headers: Header, body: bytes = b"a", status: int = 200, delay: float = 0.0) -> StoredResponse:
    return StoredResponse(status, headers, body, NOW - delay, NOW, "g")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("max-age=60, public", {"max-age": "60", "public": None}),
        ('Private="set-cookie, x", no-cache', {"private": "set-cookie, x", "no-cache": None}),
        ("max-age=60, max-age=10", {"max-age": "10"}),
        ('max-age="60"', {"max-age": "60"}),
        (' , ,x="unfinished, y', {"x": "unfinished, y"}),
        ("", {}),
    ],
)
def test_directives_are_read(value: str, expected: dict[str, str | None]) -> None:
    assert directives([control(value)]) == expected


@pytest.mark.parametrize(
    ("headers", "lifetime"),
    [
        ([control("max-age=60")], 60),
        ([control("max-age=60, s-maxage=10")], 10),
        ([control("max-age=x")], 0),
        ([control("max-age=-1")], 0),
        ([control("max-age=99999999999999999999")], 0),
        ([DATE, (b"Expires", date_value(NOW + 30))], 30),
        ([(b"Expires", date_value(NOW + 30))], 30),
        ([(b"Expires", b"0")], 0),
        ([control("max-age=5"), (b"Expires", date_value(NOW + 30))], 5),
        ([], 7),
    ],
)
def test_the_origin_says_how_long_a_response_is_fresh(headers: Headers, lifetime: float) -> None:
    assert stored(*headers).lifetime(7) == lifetime


def test_only_usual_statuses_are_fresh_without_a_word() -> None:
    assert stored(status=500).lifetime(7) == 0


@pytest.mark.parametrize(
    ("headers", "delay", "age"),
    [
        ([DATE], 0, 5),
        ([DATE], 2, 7),
        ([DATE, (b"Age", b"30")], 0, 35),
        ([(b"Date", date_value(NOW - 40)), (b"Age", b"30")], 0, 45),
        ([(b"Date", date_value(NOW + 40))], 0, 5),
        ([(b"Age", b"old")], 0, 5),
    ],
)
def test_a_response_is_as_old_as_all_caches_on_its_way_make_it(
    headers: Headers, delay: float, age: float
) -> None:
    assert stored(*headers, delay=delay).age(NOW + 5) == age


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, [control("max-age=60")], True),
        (200, [], True),
        (404, [], True),
        (302, [], False),
        (302, [control("max-age=60")], True),
        (500, [control("public")], True),
        (206, [control("max-age=60")], False),
        (304, [control("max-age=60")], False),
        (103, [control("max-age=60")], False),
        (200, [control("no-store, max-age=60")], False),
        (200, [control("private, max-age=60")], False),
        (200, [control('private="x", max-age=60')], False),
        (200, [control("max-age=60"), (b"Set-Cookie", b"a=b")], False),
        (200, [control("max-age=60"), (b"Vary", b"a, *")], False),
    ],
)
def test_what_may_be_stored(status: int, headers: Headers, expected: bool) -> None:
    assert is_storable({}, status, headers) is expected
    assert not is_storable({"no-store": None}, status, headers)


def test_what_is_for_whoever_asks_must_say_so() -> None:
    for value, authorized, expected in [
        ("public", True, True),
        ("s-maxage=1", True, True),
        ("must-revalidate", True, True),
        ("must-revalidate", False, False),
        ("public", False, True),
        ("max-age=60", True, False),
    ]:
        assert is_for_all(directives([control(value)]), authorized=authorized) is expected


@pytest.mark.parametrize(
    ("response", "request_", "after", "expected"),
    [
        ("max-age=60", "", 59, True),
        ("max-age=60", "", 60, False),
        ("max-age=60, no-cache", "", 0, False),
        ("max-age=60", "no-cache", 0, False),
        ("max-age=60", "max-age=10", 11, False),
        ("max-age=60", "min-fresh=30", 31, False),
        ("max-age=60", "max-stale", 1000, True),
        ("max-age=60", "max-stale=10", 69, True),
        ("max-age=60", "max-stale=10", 71, False),
        ("max-age=60, must-revalidate", "max-stale", 61, False),
        ("s-maxage=60", "max-stale", 61, False),
    ],
)
def test_when_it_is_given_out_without_asking(
    response: str, request_: str, after: float, expected: bool
) -> None:
    asked = directives([control(request_)])
    assert may_be_used(stored(DATE, control(response)), asked, NOW + after, 0) is expected


@pytest.mark.parametrize(
    ("response", "request_", "after", "expected"),
    [
        ("max-age=60, stale-if-error=30", "", 90, True),
        ("max-age=60, stale-if-error=30", "", 91, False),
        ("max-age=60, stale-if-error=0", "", 61, False),
        ("max-age=60", "", 70, True),
        ("max-age=60", "", 71, False),
        ("max-age=60", "no-cache", 61, False),
        ("max-age=60, must-revalidate, stale-if-error=30", "", 61, False),
        ("s-maxage=60", "", 61, False),
        ("no-cache, stale-if-error=30", "", 1, False),
    ],
)
def test_when_it_is_given_out_though_its_origin_fails(
    response: str, request_: str, after: float, expected: bool
) -> None:
    asked = directives([control(request_)])
    assert may_outlast_errors(stored(DATE, control(response)), asked, NOW + after, 0, 10) is expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([(b"If-None-Match", b'W/"a"')], True),
        ([(b"If-None-Match", b'"x", "a"')], True),
        ([(b"If-None-Match", b"*")], True),
        ([(b"If-None-Match", b'"x"'), (b"If-Modified-Since", date_value(NOW))], False),
        ([(b"If-Modified-Since", date_value(NOW))], True),
        ([(b"If-Modified-Since", date_value(NOW - 1))], False),
        ([(b"If-Modified-Since", b"yesterday")], False),
        ([], False),
    ],
)
def test_a_client_that_has_the_response_already_is_told_so(asked: Headers, expected: bool) -> None:
    response = stored((b"ETag", b'"a"'), (b"Last-Modified", date_value(NOW)))
    assert is_known(asked, response) is expected


def test_a_response_that_still_holds_gets_the_new_headers_and_keeps_its_body() -> None:
    old = stored(control("max-age=1"), (b"Content-Type", b"a/b"), (b"Age", b"9"), (b"X-Old", b"1"))
    found = old.updated([control("max-age=5"), (b"Content-Type", b"c/d"), DATE], NOW + 9, NOW + 10)
    assert found.headers == ((b"Content-Type", b"a/b"), (b"X-Old", b"1"), control("max-age=5"), DATE)
    assert (found.body, found.received) == (b"a", NOW + 10)


def test_a_stored_response_is_read_as_it_was_written() -> None:
    response = stored(DATE, (b"X-Text", b"\xfc\x80"), body=b"\n\0{}\n" * 3)
    assert StoredResponse.from_bytes(response.to_bytes()) == response


def test_requests_that_differ_in_white_space_are_alike() -> None:
    names = vary_names([(b"Vary", b"Origin, accept-encoding"), (b"Vary", b"origin")])
    assert names == (b"accept-encoding", b"origin")
    assert vary_names([(b"Content-Encoding", b"gzip")]) == (b"accept-encoding",)
    one = vary_values(names, [(b"Accept-Encoding", b"gzip,  br"), (b"X", b"1")])
    other = vary_values(names, [(b"accept-encoding", b"gzip"), (b"Accept-Encoding", b"br")])
    assert one == other == [b"gzip,br", b""]


def test_dates_are_read_in_each_of_their_forms() -> None:
    for text in (
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ):
        assert http_date(text) == 784111777
    assert http_date(b"0") is None
