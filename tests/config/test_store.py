import pytest

from gateway.store.address import parse_address
from tests.config.example import problems, settings


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://user:p%40ss@h:6379/1",
        "redis://[::1]:6379/",
        "redis://h?db=2",
        "rediss://h:6380/0?ssl_ca_certs=ca.pem&ssl_cert_reqs=required",
        "unix:///run/redis.sock",
        "unix://user:p@/run/redis.sock?db=1",
    ],
)
def test_what_is_taken_is_what_the_store_can_read(url: str) -> None:
    assert settings(f"store: {{url: '{url}'}}").store.url == url
    parse_address(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must be embedded"),
        ("redis", "must be embedded"),
        ("http://h", "must be embedded"),
        ("redis://h:x", "must be embedded"),
        ("redis://a b", "must be embedded"),
        ("redis://h/p@ss", "must be embedded"),
        ("redis://:pa#ss@h", "must be embedded"),
        ("redis://", "must have a host"),
        ("redis://h/db", "must have a host"),
        ("unix:redis.sock", "must have the socket's absolute path"),
        ("unix://redis.sock", "must have the socket's absolute path"),
        ("redis://h?timeout=1", "must have no options but db, "),
        ("redis://h?db=x", "must have no options but db, "),
        ("rediss://h?ssl_cert_reqs=maybe", "must have none or required"),
        ("redis+sentinel://a,b/main", "redis+sentinel:// is not supported yet"),
        ("redis+cluster://h", "redis+cluster:// is not supported yet"),
    ],
)
def test_other_urls_are_refused_without_being_repeated(url: str, reason: str) -> None:
    (found,) = problems(f"store: {{url: '{url}'}}")
    assert f"store.url: {reason}" in found
    assert "ss@h" not in found
