"""A server's URL."""

from __future__ import annotations

import pytest

from gateway.upstream.address import ServerAddress, parse_server_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:9001", ServerAddress("127.0.0.1", 9001)),
        ("http://orders.test", ServerAddress("orders.test", 80)),
        ("https://orders.test/", ServerAddress("orders.test", 443, secure=True)),
        ("http://[::1]:8080", ServerAddress("::1", 8080)),
        ("http://orders.test/base/v1/", ServerAddress("orders.test", 80, base_path="/base/v1")),
        ("unix:/run/app.sock", ServerAddress("", 0, socket="/run/app.sock")),
        ("unix:///run/app.sock", ServerAddress("", 0, socket="/run/app.sock")),
    ],
)
def test_what_is_understood(url: str, address: ServerAddress) -> None:
    assert parse_server_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "orders.test:80",
        "ftp://orders.test",
        "http://",
        "http://user@orders.test",
        "http://orders.test?a=b",
        "http://orders.test#x",
        "http://orders.test:99999",
        "unix:relative.sock",
        "",
    ],
)
def test_what_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (urllib's own texts are fine too)
        parse_server_address(url)


def test_how_it_is_shown() -> None:
    for url in ("http://[::1]:8080", "https://orders.test:443", "unix:/run/app.sock"):
        assert str(parse_server_address(url)) == url
