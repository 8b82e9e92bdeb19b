"""What hooks make of a head of which most is cached goes upstream as if nothing were cached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.http.exchange import Exchange, ForwardHead
from gateway.http.forwarding_headers import IDENTITY_NAMES, identity_headers
from gateway.oauth.model import TokenInfo
from gateway.plugin import ProxyPlugin
from gateway.proxy.phases import RequestFraming, forward
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.request_cache import CachedRequest, request_reader
from gateway.proxy.route_table import RouteTable
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.upload import declared_length
from gateway.upstream.upstream import Upstream
from tests.proxy.routing import request, route
from tests.upstream.defaults import a_server, an_upstream

HEAD = b"GET /orders/7?a=b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
FACTS = TokenInfo("demo", ("a", "b"), (), "demo", 0, 100, "password", user="Zoë")
Change = Callable[[ForwardHead], Any]


class Changing(ProxyPlugin):
    """Does with the head what the test wants."""

    changes: tuple[Change, ...]

    def on_forward(self, exchange: Exchange) -> None:
        for change in self.changes:
            assert exchange.forward is not None
            change(exchange.forward)


def asked(*changes: Change, kind: type[Changing] = Changing) -> tuple[Exchange, CachedRequest]:
    """A request on a route with a hook that makes these changes, and what is cached for it."""
    plugin = kind.__new__(kind)
    plugin.changes = changes
    upstream = Upstream("orders", an_upstream((a_server("http://127.0.0.1:1"),)))
    taken = route("/orders", pipeline=compile_pipeline([plugin]), upstream=upstream)
    cached = request_reader(RouteTable([taken]))(HEAD)
    assert cached is not None
    return Exchange(cached.head_from(request("/").peer), taken, "id-1", FACTS), cached


def sent(exchange: Exchange, cached: CachedRequest | None = None, line: bytes = b"") -> bytes:
    outcome = forward(exchange, b"", cached, RequestFraming(line))
    assert isinstance(outcome, UpstreamRequest)
    return outcome.head


def changed(name: str, value: Any) -> Change:
    return lambda head: setattr(head, name, value)


CHANGES: list[tuple[Change, ...]] = [
    (),
    (lambda head: head.set("X-New", "1"),),
    (lambda head: head.set("X-New", "1"), lambda head: head.set("x-new", "2")),
    (lambda head: head.set("X-New", "1"), lambda head: head.set("X-Newer", "2")),
    (lambda head: head.set("X-New", "1"), lambda head: head.remove("X-NEW")),
    (lambda head: head.set("X-New", "1"), lambda head: head.remove("X-A"), lambda head: head.set("X-B", "2")),
    (lambda head: head.set("X-A", "3"),),
    (lambda head: head.remove("X-Missing"),),
    (lambda head: head.remove("x-A"),),
    (lambda head: head.remove("Via"),),
    (lambda head: head.remove("X-Client-Id"),),
    (lambda head: head.set("X-Request-Id", "mine"),),
    (lambda head: head.headers.append((b"X-New", b"1")),),
    (lambda head: head.set("X-New", "1"), lambda head: head.headers.append((b"X-Newer", b"2"))),
    (lambda head: head.headers.append((b"X-New", b"1")), lambda head: head.set("X-Newer", "2")),
    (changed("headers", [(b"Host", b"b")]),),
    (lambda head: head.set("X-New", "1"), changed("headers", [(b"Host", b"b")])),
    (changed("method", "PUT"), lambda head: head.set("X-New", "1")),
    (changed("target", b"/else"), lambda head: head.set("X-New", "1")),
]


@pytest.mark.parametrize("changes", CHANGES)
def test_it_goes_upstream_as_if_nothing_were_cached(changes: tuple[Change, ...]) -> None:
    exchange, cached = asked(*changes)
    for line in (b"", b"Transfer-Encoding: chunked\r\n"):
        wire = sent(exchange, cached, line=line)
        kept = exchange.forward
        assert kept is not None
        assert wire == sent(exchange, line=line)
        # Who looks at the head once it is sent sees the same.
        assert exchange.forward is not None
        assert (kept.method, kept.target) == (exchange.forward.method, exchange.forward.target)
        assert kept.headers == exchange.forward.headers


def test_what_one_request_adds_is_not_in_the_next() -> None:
    exchange, cached = asked(
        lambda head: head.headers.append((b"X-New", b"1")), lambda head: head.set("X-A", "3")
    )
    assert sent(exchange, cached) == sent(exchange, cached)


def test_values_are_found_whoever_has_put_them_there() -> None:
    seen: list[list[bytes]] = []

    def look(head: ForwardHead) -> None:
        names = (b"x-a", b"x-client-id", b"x-request-id", b"x-new", b"x-missing")
        seen.append([value for name in names for value in head.values(name)])

    exchange, cached = asked(look, lambda head: head.set("X-New", "3"), look)
    for known in (cached, None):
        seen.clear()
        sent(exchange, known)
        assert seen == [[b"1", b"2", b"demo", b"id-1"], [b"1", b"2", b"demo", b"id-1", b"3"]]


def test_a_head_that_a_hook_puts_in_its_place_goes_upstream() -> None:
    class Replacing(Changing):
        def on_forward(self, exchange: Exchange) -> None:
            exchange.forward = ForwardHead("GET", b"/else", [(b"Host", b"b")])

    exchange, cached = asked(kind=Replacing)
    assert sent(exchange, cached) == b"GET /else HTTP/1.1\r\nHost: b\r\n\r\n"


def test_a_head_can_be_made_of_it_that_differs_in_something() -> None:
    class Replacing(Changing):
        def on_forward(self, exchange: Exchange) -> None:
            assert exchange.forward is not None
            exchange.forward.set("X-New", "1")
            exchange.forward = replace(exchange.forward, target=b"/else")
            exchange.forward.set("X-Newer", "2")

    exchange, cached = asked(kind=Replacing)
    wire = sent(exchange, cached)
    assert wire.startswith(b"GET /else HTTP/1.1\r\nHost: a\r\n")
    assert wire.endswith(b"\r\nX-New: 1\r\nX-Newer: 2\r\n\r\n")
    assert wire == sent(exchange)


def test_the_names_of_all_identity_headers_are_known() -> None:
    made = identity_headers(request("/"), "id-1", FACTS)
    assert {name.lower() for name, _ in made} == IDENTITY_NAMES


class Longer(ProxyPlugin):
    """Says of each body that it has 99 bytes."""

    head_only = ("on_forward",)

    def on_forward(self, exchange: Exchange) -> None:
        if exchange.forward is not None:
            exchange.forward.set("Content-Length", "99")


@pytest.mark.parametrize(
    ("lines", "plugins", "length"),
    [
        (b"", [], None),
        (b"content-LENGTH: 12\r\n", [], 12),
        (b"Content-Length: 12\r\n", [Longer.__new__(Longer)], 99),
    ],
    ids=["none", "as it came", "as a hook has it"],
)
def test_it_knows_the_length_that_goes_upstream(
    lines: bytes, plugins: list[ProxyPlugin], length: int | None
) -> None:
    head = b"POST /orders HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n"
    cached = request_reader(RouteTable([route("/orders", pipeline=compile_pipeline(plugins))]))(head)
    assert cached is not None
    assert [cached.upstream.length() for _ in range(2)] == [length] * 2
    assert declared_length(cached.upstream.lines) == length
