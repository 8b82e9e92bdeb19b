import pytest

from gateway.config.upstreams import check_hash_by, check_host_header, check_server_url


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://a:1/", "http://a:1"),
        ("https://[::1]:1/v1/", "https://[::1]:1/v1"),
        ("unix:/run/app.sock", "unix:/run/app.sock"),
        ("unix:///run/app.sock", "unix:///run/app.sock"),
    ],
)
def test_a_server_is_a_url_or_a_socket(url: str, read: str) -> None:
    assert check_server_url(url) == read


@pytest.mark.parametrize(
    "url", ["a:1", "ftp://a", "unix:app.sock", "unix://app.sock", "unix:", "unix:/a b", "unix:/" + "a" * 101]
)
def test_anything_else_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check_server_url(url)


@pytest.mark.parametrize("way", ["client", "path", "header:X-Tenant", "header:x"])
def test_what_a_hash_can_go_by(way: str) -> None:
    assert check_hash_by(way) == way


@pytest.mark.parametrize("way", ["", "X-Tenant", "header", "header:", "header:a b", "header:a:b", "cookie:a"])
def test_what_a_hash_can_not_go_by(way: str) -> None:
    with pytest.raises(ValueError, match="must be client, path, or header:"):
        check_hash_by(way)


@pytest.mark.parametrize("host", ["a", "a.example:81", "[::1]:81", "10.0.0.1"])
def test_a_host_header_is_a_host(host: str) -> None:
    assert check_host_header(host) == host


@pytest.mark.parametrize(
    "host", ["", "a b", "a\r\nX: y", "a/b", "a:b", "a:99999", "u@a", "http://a", "a?b", "*.a"]
)
def test_a_host_header_is_nothing_else(host: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        check_host_header(host)
