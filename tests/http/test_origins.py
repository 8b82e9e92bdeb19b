import pytest

from gateway.http.origins import AllowedOrigins

ALLOWED = AllowedOrigins(["https://app.example.org", "https://*.shop.example", "http://*.localhost:8080"])


@pytest.mark.parametrize(
    "origin",
    [
        b"https://app.example.org",
        b"https://a.shop.example",
        b"https://a-1.shop.example",
        b"http://x.localhost:8080",
    ],
)
def test_listed_origins_and_one_label_for_a_wildcard(origin: bytes) -> None:
    assert origin in ALLOWED


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evilshop.example",
        b"https://shop.example",
        b"https://.shop.example",
        b"https://a.b.shop.example",
        b"https://a.shop.example.evil.example",
        b"https://evil.example/.shop.example",
        b"https://evil.example#.shop.example",
        b"https://evil.example?.shop.example",
        b"https://evil.example:1.shop.example",
        b"https://me@evil.shop.example",
        b"https://evil.example\\.shop.example",
        b"https://A.shop.example",
        b"https://a.shop.example:444",
        b"https://a.shop.example\n",
        b"http://a.shop.example",
        b"http://x.localhost",
        b"https://*.shop.example",
        b"https://" + b"a" * 64 + b".shop.example",
        b"null",
        b"",
    ],
)
def test_what_only_looks_like_one_is_not(origin: bytes) -> None:
    assert origin not in ALLOWED
