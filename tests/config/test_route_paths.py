import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.route_paths import check_path, check_route_path
from gateway.http.problems import Problem
from gateway.http.request_target import path_segments as request_segments
from gateway.http.route_target import literal_prefix, route_segments, segments_of


@pytest.mark.parametrize(
    "path", ["/", "/orders", "/orders/v2", "/caf%C3%A9", "/a;b=1", "/~user/.well-known/x", "/a:b@c", "/.../x"]
)
def test_ordinary_paths_are_taken_as_they_are(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "begin with /"),
        ("orders", "begin with /"),
        ("*", "begin with /"),
        ("/orders/", "not end with /"),
        ("//", "//"),
        ("/a//b", "//"),
        ("/a/../b", "as a segment"),
        ("/.", "as a segment"),
        ("/a/%2e%2E", "as a segment"),
        ("/..;x=1/a", "as a segment"),
        ("/a%2Fb", "encoded /"),
        ("/a%5cb", "encoded /"),
        ("/a%00", "encoded /"),
        ("/a%0A", "control"),
        ("/a%C2%85", "control"),
        ("/a?b=1", "query"),
        ("/a#b", "fragment"),
        ("/a b", "percent-encoded"),
        ("/café", "percent-encoded"),
        ("/a\\b", "percent-encoded"),
        ("/a%zz", "percent-encoded"),
        ("/{id}", "percent-encoded"),
        ("/%ff", "UTF-8"),
        ("/" + "a" * 3000, "URL path"),
    ],
)
def test_a_path_that_could_not_match_or_be_read_in_two_ways_is_refused(path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["/", "/orders/{id}", "/{tenant}/{order-id}/x", "/{Id}/{_x}/caf%C3%A9", "/a/%7Bx%7D"]
)
def test_a_name_in_braces_is_a_segment_of_a_route(path: str) -> None:
    assert check_route_path(path) == path


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/a/{id}/{id}", "twice"),
        ("/a/{rest...}", "a prefix matches everything below"),
        ("/a/x-{id}", "whole segment"),
        ("/a/{id}.json", "whole segment"),
        ("/a/{}", "whole segment"),
        ("/a/{1}", "whole segment"),
        ("/a/{a b}", "whole segment"),
        ("/a/{id", "whole segment"),
        ("/a/id}", "whole segment"),
        ("/a/{id}/", "not end with /"),
        ("/a/{id}/../b", "as a segment"),
        ("{id}", "braces|begin with /"),
    ],
)
def test_braces_that_are_no_segment_are_refused(path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_route_path(path)


def test_a_name_is_no_segment_of_its_own() -> None:
    assert route_segments("/orders/{id}/a%20b") == ("orders", None, "a b")
    assert route_segments("/orders/%7Bid%7D") == ("orders", "{id}")
    assert literal_prefix("/orders/{id}/x") == "/orders"
    assert literal_prefix("/{id}/x") == "/"
    assert literal_prefix("/orders") == "/orders"


def test_segments_are_decoded_once() -> None:
    assert segments_of("/") == ()
    assert segments_of("/caf%C3%A9/%2541") == ("café", "%41")


@given(st.text(alphabet="/.;%25Ffec0\\a?#é~", max_size=12))
def test_what_is_taken_is_what_a_request_for_that_path_is_seen_as(path: str) -> None:
    try:
        check_path("/" + path)
    except ValueError:
        return
    try:
        seen = request_segments(b"/" + path.encode())
    except Problem as issue:
        raise AssertionError(f"no request can have /{path}") from issue
    assert path == "" or seen == segments_of("/" + path)
