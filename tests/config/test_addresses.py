from collections.abc import Callable

import pytest

from gateway.config.addresses import (
    check_absolute_uri,
    check_base_url,
    check_host,
    check_host_pattern,
    check_network,
    check_origin,
)


@pytest.mark.parametrize(
    ("check", "value", "result"),
    [
        (check_host, "0.0.0.0", "0.0.0.0"),
        (check_host, "::", "::"),
        (check_host, "my_service.local", "my_service.local"),
        (check_host_pattern, "API.example.org", "api.example.org"),
        (check_host_pattern, "*.example.org", "*.example.org"),
        (check_host_pattern, "localhost", "localhost"),
        (check_origin, "https://localhost:8243", "https://localhost:8243"),
        (check_origin, "https://api.example.org/", "https://api.example.org"),
        (check_origin, "http://[::1]:80", "http://[::1]:80"),
        (check_base_url, "http://h:1/base/v2/", "http://h:1/base/v2"),
        (check_base_url, "http://h:1/", "http://h:1"),
        (check_absolute_uri, "https://api.example.org/orders?x=1", "https://api.example.org/orders?x=1"),
        (check_absolute_uri, "urn:example:orders", "urn:example:orders"),
        (check_network, "10.0.0.0/8", "10.0.0.0/8"),
        (check_network, "10.1.2.3", "10.1.2.3/32"),
        (check_network, "fd00::/8", "fd00::/8"),
    ],
)
def test_good_addresses_are_taken(check: Callable[[str], str], value: str, result: str) -> None:
    assert check(value) == result


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (check_host, ""),
        (check_host, "127.0.0.1:80"),
        (check_host, "a b"),
        (check_host, "-a"),
        (check_host, "a" * 254),
        (check_host_pattern, "api.example.org:8243"),
        (check_host_pattern, "*"),
        (check_host_pattern, "a.*.org"),
        (check_host_pattern, "*example.org"),
        (check_host_pattern, "https://a"),
        (check_host_pattern, ""),
        (check_origin, "localhost:8243"),
        (check_origin, "ftp://a"),
        (check_origin, "https://"),
        (check_origin, "https://a/path"),
        (check_origin, "https://a?x"),
        (check_origin, "https://a#x"),
        (check_origin, "https://u:p@a"),
        (check_origin, "https://a:99999"),
        (check_origin, "https://[::1"),
        (check_origin, "https://a\n"),
        (check_base_url, "http://h/a//b"),
        (check_base_url, "http://h/a/../b"),
        (check_base_url, "http://h/%2F"),
        (check_base_url, "http://h/é"),
        (check_base_url, "http://h/?"),
        (check_absolute_uri, "/orders"),
        (check_absolute_uri, "orders"),
        (check_absolute_uri, "https:"),
        (check_absolute_uri, "https://a#"),
        (check_absolute_uri, "https://a b"),
        (check_network, "10.0.0.1/8"),
        (check_network, "example.org"),
        (check_network, "10.0.0.0/33"),
        (check_network, ""),
    ],
)
def test_bad_addresses_are_refused(check: Callable[[str], str], value: str) -> None:
    with pytest.raises(ValueError, match=r"must|can never"):
        check(value)
