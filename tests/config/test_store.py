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
        "rediss://h:6380/0?ssl_cert_reqs=required",
        "unix:///run/redis.sock",
        "unix://user:p@/run/redis.sock?db=1",
        "valkey://h:6379/0",
        "valkeys://h",
        "redis://h1,h2:6380/0",
        "redis+sentinel://s1:26379,s2:26379/mymaster/0",
        "redis+sentinel://user:p%40ss@s1,[::1]:26380/my-master?ssl_cert_reqs=none",
        "rediss+sentinel://s1/m",
        "redis+cluster://n1:7000,n2:7000",
        "rediss+cluster://:pw@n1?ssl_check_hostname=false",
        "valkey+cluster://n1/0",
        "valkeys+cluster://n1/?db=0",
        "valkey+sentinel://s1/m/3/",
        "valkeys+sentinel://s1/m?db=2",
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
        ("redis+sentinel://a,b", "must name the primary"),
        ("redis+sentinel://a,b/main/x", "must name the primary"),
        ("redis+sentinel://a,,b/main", "must have a host"),
        ("redis://a,b:x/0", "must be embedded"),
        ("redis://a;b/0", "must have a host"),
        ("redis+proxy://a", "must be embedded"),
        ("redis+cluster://h/1", "must end after the hosts"),
        ("redis+cluster://h/main", "must end after the hosts"),
        ("redis+cluster://h?db=1", "must not have a db"),
    ],
)
def test_other_urls_are_refused_without_being_repeated(url: str, reason: str) -> None:
    (found,) = problems(f"store: {{url: '{url}'}}")
    assert f"store.url: {reason}" in found
    assert "ss@h" not in found
