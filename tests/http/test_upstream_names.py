from gateway.http.upstream_names import UpstreamNames, is_under


def test_below_a_path_is_by_whole_segments() -> None:
    assert is_under(b"/a", b"/a")
    assert is_under(b"/a/b", b"/a")
    assert not is_under(b"/ab", b"/a")
    assert is_under(b"/a", b"")


def test_paths_of_an_upstream_without_a_prefix_stay() -> None:
    assert UpstreamNames().client_path(b"/x//y") == b"/x//y"
    assert UpstreamNames().cookie_path(b"/") == b"/"
