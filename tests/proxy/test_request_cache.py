import pytest

from gateway.http.exchange import Exchange, ForwardHead
from gateway.http.forwarded import direct_peer
from gateway.http.forwarding_headers import identity_headers, request_headers
from gateway.http.header_fields import render_header_lines
from gateway.http.route import Canary, Route
from gateway.oauth.model import TokenInfo
from gateway.plugin import ProxyPlugin
from gateway.proxy.forward_head import build_forward_head, render_request_head
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.request_cache import MAX_HEAD, CachedRequest, request_reader
from gateway.proxy.route_table import RouteTable
from gateway.proxy.simple_request import parse_simple_request
from tests.proxy.routing import request, route

HEAD = b"GET /orders/7?a=b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nX-A: 1\r\n\r\n"


def read(data: bytes, *routes: Route) -> CachedRequest | None:
    return request_reader(RouteTable(routes))(data)


CHANGES = [
    {},
    {"strip": 1, "base_path": b"/v1"},
    {"forward_token": True},
    {"host_header": b"b"},
    {"strip": 1, "forwarded_prefix": b"/orders"},
    {"forward_token": True, "host_header": b"b", "strip": 1},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_what_goes_upstream_begins_as_on_the_long_way(changes: dict[str, object]) -> None:
    taken = route("/orders", **changes)
    cached = read(HEAD, taken)
    assert cached is not None
    head = cached.head_from(request("/").peer)
    exchange = Exchange(head, taken, "id-1")
    start = cached.upstream_head_for(taken)
    assert cached.render_upstream_head(start, exchange) == render_request_head(
        build_forward_head(exchange), b""
    )
    items = identity_headers(head, "id-1", None)
    assert ForwardHead(head.method, start.head.target, start.head.headers + items) == build_forward_head(
        exchange
    )


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Bearer %s",
        b"authorization: bearer %s",
        b"X-A: 2\r\nAuthorization: Bearer %s\r\nXAuthorization: Bearer x",
        b"X-A: Authorization: Bearer x\r\nAuthorization: Bearer %s",
        b"Authorization:  Bearer  %s ",
        b"Authorization: Bearer %s, Bearer x",
        b"Authorization: DPoP %s",
        b"Authorization: Basic %s",
        b"Authorization: Bearer %s\r\nAuthorization: Bearer x",
        b"Authorization: Basic %s\r\nAuthorization: Bearer x",
        b"X-A: 1\nAuthorization: Bearer %s",
        b"Content-Length: 3\r\nAuthorization: Bearer %s",
        b"Connection: close\r\nAuthorization: Bearer %s",
        b"Authorization: DPoP t\r\nDPoP: %s",
        b"dpop: %s\r\nX-A: 2\r\nAuthorization: DPoP t",
        b"DPoP: %s",
        b"DPoP:  %s\r\nAuthorization: DPoP t",
        b"Authorization: DPoP t\r\nDPoP: %s\r\nDPoP: x",
        b"Authorization: DPoP t\r\nDPoP: x\r\nAuthorization: DPoP u\r\nX-A: %s",
        b"Authorization: DPoP t\r\nXDPoP: y\r\nDPoP: %s",
        b"Authorization: Bearer t\r\nDPoP: %s",
        b"Connection: DPoP\r\nAuthorization: DPoP t\r\nDPoP: %s",
    ],
)
@pytest.mark.parametrize("forward_token", [False, True])
def test_heads_that_differ_in_their_token_or_proof_alone_mean_what_each_of_them_would(
    line: bytes, forward_token: bool
) -> None:
    table = RouteTable([route("/orders", forward_token=forward_token)])
    reading = request_reader(table)
    for token in (b"one", b"x", b"an.other_1~+/==", b"=", b"a b", b"", b"\xe9", b"a" * 500, b"one"):
        head = HEAD.replace(b"Authorization: Bearer t", line % token)
        cached = reading(head)
        assert cached == request_reader(table)(head)
        if cached is not None:
            alone = parse_simple_request(head + b"x" * cached.framing.length)
            assert alone is not None
            assert (cached.credentials, cached.head.headers) == (alone.block.token, alone.block.headers)
            assert (cached.framing.length, cached.framing.last) == (alone.block.length, alone.block.last)
            lines = render_header_lines(request_headers(cached.head, forward_token=forward_token))
            assert cached.upstream.lines.endswith(b" HTTP/1.1\r\n" + lines + b"X-Request-Id: ")


@pytest.mark.parametrize("changes", CHANGES)
def test_by_a_canary_s_route_it_begins_in_that_route_s_way(changes: dict[str, object]) -> None:
    there = route("/orders", **changes)
    taken = route("/orders", canary=Canary(there, 0.5, None))
    reading = request_reader(RouteTable([taken]))
    for token in (b"one", b"other", b"other"):
        cached = reading(HEAD.replace(b"Bearer t", b"Bearer " + token))
        assert cached is not None
        for way in (taken, there):
            exchange = Exchange(cached.head_from(request("/").peer), way, "id-1")
            assert cached.render_upstream_head(
                cached.upstream_head_for(way), exchange
            ) == render_request_head(build_forward_head(exchange), b"")


def test_the_same_bytes_are_read_once_and_long_ones_each_time() -> None:
    reading = request_reader(RouteTable([route("/orders")]))
    long = HEAD.replace(b"/7", b"/" + b"7" * MAX_HEAD)
    assert reading(HEAD) is reading(HEAD)
    assert reading(long) is not None
    assert reading(long) is not reading(long)


def test_each_request_has_its_own_peer() -> None:
    cached = read(HEAD, route("/orders"))
    assert cached is not None
    peer = request("/").peer
    assert cached.head_from(peer).peer is peer


def test_the_upstream_is_told_of_each_caller_what_holds_for_it() -> None:
    taken = route("/orders")
    cached = read(HEAD, taken)
    assert cached is not None
    near, far = direct_peer("192.0.2.1", "https"), direct_peer("192.0.2.2", "http")
    one, two = (TokenInfo(name, ("a",), (), name, 0, 0, "g") for name in ("one", "two"))
    for peer, caller in [(near, one), (near, one), (near, two), (far, two), (near, two), (near, None)]:
        exchange = Exchange(cached.head_from(peer), taken, "id-1", caller)
        wire = cached.render_upstream_head(cached.upstream, exchange)
        assert wire == render_request_head(build_forward_head(exchange), b"")


class Shaping(ProxyPlugin):
    head_only = ("on_forward",)

    def on_forward(self, exchange: Exchange) -> None:
        assert exchange.forward is not None
        exchange.forward.method = "PUT"
        exchange.forward.target += b"&c"
        exchange.forward.set("X-Token", exchange.request.header("authorization") or "none")


@pytest.mark.parametrize("changes", CHANGES)
def test_what_hooks_make_of_the_head_alone_is_remembered_with_it(changes: dict[str, object]) -> None:
    taken = route("/orders", pipeline=compile_pipeline([Shaping.__new__(Shaping)]), **changes)
    reading = request_reader(RouteTable([taken]))
    for token in (b"one", b"other", b"one"):
        cached = reading(HEAD.replace(b"Bearer t", b"Bearer " + token))
        assert cached is not None
        exchange = Exchange(cached.head_from(request("/").peer), taken, "id-1")
        wire = cached.render_upstream_head(cached.upstream, exchange)
        assert wire == render_request_head(build_forward_head(exchange), b"")
        assert wire.startswith(b"PUT ")
        assert b"X-Token: Bearer %s\r\n" % token in wire


def test_a_head_that_such_a_hook_fails_on_is_left_to_aiohttp() -> None:
    class Curious(Shaping):
        def on_forward(self, exchange: Exchange) -> None:
            assert exchange.token

    taken = route("/orders", pipeline=compile_pipeline([Curious.__new__(Curious)]))
    assert read(HEAD, taken) is None


def test_a_route_with_coroutine_hooks_is_read_like_any_other() -> None:
    class Waiting(ProxyPlugin):
        async def on_request(self, exchange: Exchange) -> None:
            """Waits."""

        async def on_response(self, exchange: Exchange) -> None:
            """Waits."""

    assert read(HEAD, route("/orders", pipeline=compile_pipeline([Waiting.__new__(Waiting)]))) is not None


@pytest.mark.parametrize(
    "data",
    [
        HEAD.replace(b"GET", b"OPTIONS"),
        HEAD.replace(b"/orders", b"/nowhere"),
        HEAD.replace(b"/orders", b"/orders/.."),
        HEAD.replace(b"X-A: 1", b"Expect: 200-ok"),
        HEAD[:-2],
        b"\r\n\r\n",
        b"",
    ],
)
def test_what_may_need_more_is_not_read(data: bytes) -> None:
    assert read(data, route("/orders")) is None


def test_the_gateway_s_own_paths_are_not_read() -> None:
    for path in (b"/token", b"/portal/7", b"/%74oken"):
        assert read(HEAD.replace(b"/orders/7", path), route("/")) is None
    assert read(HEAD.replace(b"/orders", b"/token"), route("/")) is not None, (
        "no endpoint, but a route's path"
    )


def test_an_ambiguous_path_is_left_to_be_refused() -> None:
    routes = (route("/"), route("/orders"))
    table = RouteTable(routes)
    assert request_reader(table)(HEAD.replace(b"/orders", b"/ORDERS")) is None
    assert request_reader(table)(HEAD.replace(b"/orders/7", b"/orders/a%2Fb")) is not None


def test_a_chunked_request_is_read_without_a_length_and_any_other_coding_is_left_to_aiohttp() -> None:
    reading = request_reader(RouteTable([route("/orders")]))
    head = b"POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n"
    for coding in (b"chunked", b"Chunked"):
        found = reading(head % coding)
        assert found is not None
        assert found.framing.length is None
        assert b"ransfer" not in found.upstream.lines
    for coding in (
        b"gzip, chunked",
        b"chunked, chunked",
        b"identity",
        b"xchunked",
        b"chunked\r\nContent-Length: 3",
    ):
        assert reading(head % coding) is None


def test_what_a_client_expects_is_read_and_does_not_go_upstream_with_the_head() -> None:
    found = read(HEAD.replace(b"X-A: 1", b"Expect: 100-continue"), route("/orders"))
    assert found is not None
    assert found.framing.expects
    assert b"xpect" not in found.upstream.lines
    plain = read(HEAD, route("/orders"))
    assert plain is not None
    assert not plain.framing.expects
