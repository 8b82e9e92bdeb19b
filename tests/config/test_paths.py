import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.paths import check_path, path_segments
from gateway.faults import Fault
from gateway.proxy.target import path_segments as request_segments


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


def test_segments_are_decoded_once() -> None:
    assert path_segments("/") == ()
    assert path_segments("/caf%C3%A9/%2541") == ("café", "%41")


@given(st.text(alphabet="/.;%25Ffec0\\a?#é~", max_size=12))
def test_what_is_taken_is_what_a_request_for_that_path_is_seen_as(path: str) -> None:
    try:
        check_path("/" + path)
    except ValueError:
        return
    try:
        seen = request_segments(b"/" + path.encode())
    except Fault as fault:
        raise AssertionError(f"no request can have /{path}") from fault
    assert path == "" or seen == path_segments("/" + path)
