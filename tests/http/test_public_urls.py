"""URLs and cookies of responses, rewritten for the client: a table of what comes and what goes out."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http.public_urls import PublicUrls
from gateway.http.upstream_names import UpstreamNames

SERVER = frozenset({b"127.0.0.1:9001"})


def urls(prefix: bytes = b"/orders", base: bytes = b"", **changes: Any) -> PublicUrls:
    """Those of a client that asked https://gw.example/orders/a/b."""
    host = changes.get("host", b"gw.example")
    values: dict[str, Any] = {
        "scheme": b"https",
        "host": host,
        "own_hosts": frozenset({host}),
        "names": UpstreamNames(prefix, base, SERVER),
        "requested": b"/orders/a/b",
        "sent": lambda: b"/a/b",
        "client_path": lambda path: None,
    }
    return PublicUrls(**(values | changes))


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        # Paths.
        ("/login", "/orders/login"),
        ("/login?next=/x#top", "/orders/login?next=/x#top"),
        ("/", "/orders/"),
        ("/ordersx", "/orders/ordersx"),
        ("/../login", "/orders/login"),
        ("/orders/../login", "/orders/login"),
        ("/\\evil.example", "/orders/\\evil.example"),
        # Under the prefix already.
        ("/orders", "/orders"),
        ("/orders/7", "/orders/7"),
        # The upstream names itself.
        ("http://127.0.0.1:9001/login?x=1#f", "https://gw.example/orders/login?x=1#f"),
        ("http://127.0.0.1:9001", "https://gw.example/orders"),
        ("http://127.0.0.1:9001?x", "https://gw.example/orders?x"),
        ("HTTP://127.0.0.1:9001/orders/x", "https://gw.example/orders/x"),
        ("http://gw.example/login", "https://gw.example/orders/login"),
        ("http://GW.example:80/login", "https://gw.example/orders/login"),
        ("https://gw.example/orders/x", "https://gw.example/orders/x"),
        ("//gw.example/x", "//gw.example/orders/x"),
        # Others.
        ("https://other.example/login", "https://other.example/login"),
        ("http://gw.example.evil.example/", "http://gw.example.evil.example/"),
        ("http://127.0.0.1:9002/login", "http://127.0.0.1:9002/login"),
        ("http://me@gw.example/login", "http://me@gw.example/login"),
        ("//other.example/x", "//other.example/x"),
        ("mailto:me@gw.example", "mailto:me@gw.example"),
        ("ftp://gw.example/x", "ftp://gw.example/x"),
        # Relative references that lead to the same place by either path.
        ("", ""),
        ("?page=2", "?page=2"),
        ("#top", "#top"),
        ("c", "c"),
        ("../c?x", "../c?x"),
        # And one that would lead out of the prefix.
        ("../../../c?x", "/orders/c?x"),
    ],
)
def test_a_location(came: str, goes: str) -> None:
    assert urls().url(came.encode()).decode() == goes


def test_a_relative_location_after_the_prefix_itself() -> None:
    at_the_prefix = urls(requested=b"/orders", sent=lambda: b"/")
    assert at_the_prefix.url(b"login") == b"/orders/login"
    assert at_the_prefix.url(b"./login?x") == b"/orders/login?x"


@pytest.mark.parametrize(
    ("prefix", "base", "came", "goes"),
    [
        ("/orders", "/v1", "/v1/x", "/orders/x"),
        ("/orders", "/v1", "/v1", "/orders"),
        ("/orders", "/v1", "/elsewhere", "/elsewhere"),
        ("/api", "/api/v1", "/api/v1/x", "/api/x"),
        ("/orders", "/orders", "/orders/x", "/orders/x"),
        ("", "/v1", "/v1/x", "/x"),
        ("", "/v1", "/v1", "/"),
        ("", "/v1", "/v1//evil.example", "/evil.example"),
        ("", "/v1", "/v1/\\evil.example", "/evil.example"),
        ("", "", "/x", "/x"),
    ],
)
def test_a_base_path_is_taken_off(prefix: str, base: str, came: str, goes: str) -> None:
    assert urls(prefix.encode(), base.encode()).url(came.encode()).decode() == goes


@pytest.mark.parametrize(
    ("host", "came", "goes"),
    [
        # A redirect to TLS is what the upstream wants.
        (b"gw.example", "https://gw.example/x", "https://gw.example/orders/x"),
        # A port speaks either HTTP or TLS.
        (b"gw.example:8280", "https://gw.example:8280/x", "http://gw.example:8280/orders/x"),
        (b"gw.example:8280", "https://127.0.0.1:9001/x", "http://gw.example:8280/orders/x"),
        (b"", "http://127.0.0.1:9001/x", "/orders/x"),
    ],
)
def test_the_scheme_for_a_client_without_tls(host: bytes, came: str, goes: str) -> None:
    assert urls(scheme=b"http", host=host).url(came.encode()).decode() == goes


def test_a_host_that_the_upstream_alone_knows_becomes_the_clients() -> None:
    private = urls(own_hosts=frozenset({b"orders.internal"}))
    assert private.url(b"http://orders.internal/x") == b"https://gw.example/orders/x"
    assert private.url(b"https://orders.internal:443/x") == b"https://gw.example/orders/x"
    assert private.cookie(b"a=b; Domain=.Orders.internal") == b"a=b; Domain=gw.example"


def test_what_a_plugin_says_of_a_path_comes_first() -> None:
    def by_plugin(path: bytes) -> bytes | None:
        return b"/shop" + path.removeprefix(b"/v2") if path.startswith(b"/v2/") else None

    rewritten = urls(client_path=by_plugin)
    assert rewritten.url(b"/v2/x") == b"/shop/x"
    assert rewritten.url(b"/y") == b"/orders/y"
    assert rewritten.cookie(b"a=b; Path=/v2/x") == b"a=b; Path=/shop/x"


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ("a=b; Path=/; HttpOnly", "a=b; Path=/orders; HttpOnly"),
        ("a=b;path=/x", "a=b;path=/orders/x"),
        ("a=b; Path=/orders/x; Domain=.gw.example", "a=b; Path=/orders/x; Domain=.gw.example"),
        ("a=b; Domain=127.0.0.1", "a=b; Domain=gw.example"),
        ("a=b; Domain=other.example", "a=b; Domain=other.example"),
        ("__Secure-a=b; Secure; Path=/", "__Secure-a=b; Secure; Path=/orders"),
        ("__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/"),
        ("__host-a=b; Secure; Path=/", "__host-a=b; Secure; Path=/"),
        ("a=b", "a=b"),
        ("a=b; Path=", "a=b; Path="),
        ("a=b; Path=x", "a=b; Path=x"),
        ("a=Path=/; Secure", "a=Path=/; Secure"),
    ],
)
def test_a_cookie(came: str, goes: str) -> None:
    assert urls().cookie(came.encode()).decode() == goes


def test_a_cookie_for_all_of_a_server_with_a_base_path() -> None:
    assert urls(base=b"/v1/a").cookie(b"a=b; Path=/v1") == b"a=b; Path=/orders"
    assert urls(base=b"/v1").cookie(b"a=b; Path=/v1/") == b"a=b; Path=/orders"
    assert urls(base=b"/v1").cookie(b"a=b; Path=/v2") == b"a=b; Path=/v2"


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ("5; url=/x", "5; url=/orders/x"),
        ("0;URL='/x'", "0;URL='/orders/x'"),
        ('1; url="http://127.0.0.1:9001/y"', '1; url="https://gw.example/orders/y"'),
        ("3, /x", "3, /orders/x"),
        ("3 /x", "3 /orders/x"),
        ("5", "5"),
        ("5; url=https://other.example/", "5; url=https://other.example/"),
        ("url=/x", "url=/x"),
    ],
)
def test_refresh(came: str, goes: str) -> None:
    assert urls().refresh(came.encode()).decode() == goes


def test_other_headers_pass_as_they_came() -> None:
    headers = [(b"Link", b"</x>; rel=next"), (b"LOCATION", b"/x"), (b"Content-Location", b"/y")]
    assert urls().headers(headers) == [
        (b"Link", b"</x>; rel=next"),
        (b"LOCATION", b"/orders/x"),
        (b"Content-Location", b"/orders/y"),
    ]
