import pytest

from gateway.http.path_readings import (
    describe_reading,
    eager_readings,
    eager_route_segments,
    eager_segments,
    has_one_reading,
    segments_as_they_stand,
    without_authority,
)


@pytest.mark.parametrize(
    "path", [b"/", b"/orders/7", b"/orders/", b"/~a/b-c_d.e/x=1,2:3@4", b"/.../a", b"/a[1]|^"]
)
def test_a_plain_path_has_one_reading(path: bytes) -> None:
    assert has_one_reading(path)


@pytest.mark.parametrize("path", [b"//", b"/a//b", b"/a//", b"/A", b"/a;b", b"/a%20b", b"/%61"])
def test_a_path_with_something_to_decode_cut_merge_or_fold_is_read_again(path: bytes) -> None:
    assert not has_one_reading(path)


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        (b"/Orders/7", ("orders", "7")),
        (b"/orders;v=1/7;w", ("orders", "7")),
        (b"//orders///7", ("orders", "7")),
        (b"/orders//", ("orders", "")),
        (b"/orders%2F7", ("orders", "7")),
        (b"/admin%3Ba=b", ("admin",)),
        (b"/admin%3Ba%2Fb/x", ("admin", "b", "x")),
        (b"/;x/admin", ("admin",)),
        (b"/%C3%89t%C3%A9", ("été",)),
        (b"/a%2F..%2Fb", ("a", "..", "b")),
    ],
)
def test_the_eager_reading_decodes_cuts_merges_and_folds(path: bytes, segments: tuple[str, ...]) -> None:
    assert eager_segments(path) == segments


def test_nothing_is_decoded_twice() -> None:
    assert eager_segments(b"/a%252Fb") == ("a%2fb",)


def test_as_it_stands_each_segment_is_decoded_and_nothing_else_done() -> None:
    assert segments_as_they_stand(b"/A%2Fb;c//%41") == ("A/b;c", "", "A")


def test_where_the_order_matters_each_is_read() -> None:
    """Tomcat cuts parameters off before it decodes; nginx does not cut them at all."""
    assert eager_readings(b"/a;b%2Fc") == [("a", "c"), ("a;b", "c"), ("a",)]
    assert eager_readings(b"/a;b/c") == [("a", "c"), ("a;b", "c")]
    assert eager_readings(b"/a//%3B") == [("a", ""), ("a", ";")]
    assert eager_readings(b"/a/c") == [("a", "c")]


def test_a_routes_own_path_is_read_in_the_same_way() -> None:
    assert eager_route_segments("/") == ()
    assert eager_route_segments("/Caf%C3%A9;v=1/x") == ("café", "x")


@pytest.mark.parametrize(
    ("path", "strip", "read"),
    [
        (b"//x/admin", 0, b"/admin"),
        (b"///x/admin", 0, b"/admin"),
        (b"//x", 0, b"/"),
        (b"//", 0, b"/"),
        (b"/shop//x/admin", 1, b"/shop/admin"),
        (b"/shop//x/admin", 0, None),
        (b"/shop/", 1, None),
        (b"/shop", 1, None),
        (b"/", 0, None),
    ],
)
def test_two_slashes_at_the_start_of_what_goes_upstream_can_name_a_host(
    path: bytes, strip: int, read: bytes | None
) -> None:
    assert without_authority(path, strip) == read


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (b"/A", "case ignored"),
        (b"/a;b", "; parameters cut off"),
        (b"/a%2Fb//C", "encoded slashes decoded, empty segments merged and case ignored"),
    ],
)
def test_a_difference_is_reported_in_words(path: bytes, words: str) -> None:
    assert describe_reading(path) == f"read with {words}"
