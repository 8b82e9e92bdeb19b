import pytest

from gateway.exchange import Exchange, ForwardHead
from gateway.fields import field_lines
from gateway.oauth.values import TokenFacts
from gateway.plugin import ProxyPlugin
from gateway.proxy.canary import Canary
from gateway.proxy.forwarded import direct_peer
from gateway.proxy.headers import identity_headers, request_headers
from gateway.proxy.opening import MAX_HEAD, Opening, openings
from gateway.proxy.pipeline import Pipeline, compile_pipeline, forward_head, head_bytes
from gateway.proxy.plain import read_plain
from gateway.proxy.routes import Route, RouteTable
from tests.proxy.routing import request, route

HEAD = b"GET /orders/7?a=b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer t\r\nX-A: 1\r\n\r\n"


def read(data: bytes, *routes: Route) -> Opening | None:
    return openings(RouteTable(routes))(data)


CHANGES = [
    {},
    {"strip": 1, "base_path": b"/v1"},
    {"forward_token": True},
    {"host_header": b"b"},
    {"forward_token": True, "host_header": b"b", "strip": 1},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_what_goes_upstream_begins_as_on_the_long_way(changes: dict[str, object]) -> None:
    taken = route("/orders", **changes)
    opening = read(HEAD, taken)
    assert opening is not None
    head = opening.head_from(request("/").peer)
    exchange = Exchange(head, taken, "id-1")
    start = opening.start_for(taken)
    assert opening.upstream_head(start, exchange) == head_bytes(forward_head(exchange), b"")
    items = identity_headers(head, "id-1", None)
    assert ForwardHead(head.method, start.target, start.headers + items) == forward_head(exchange)


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
    ],
)
@pytest.mark.parametrize("forward_token", [False, True])
def test_heads_that_differ_in_their_token_alone_mean_what_each_of_them_would(
    line: bytes, forward_token: bool
) -> None:
    table = RouteTable([route("/orders", forward_token=forward_token)])
    reading = openings(table)
    for token in (b"one", b"x", b"an.other_1~+/==", b"=", b"a b", b"", b"\xe9", b"a" * 500, b"one"):
        head = HEAD.replace(b"Authorization: Bearer t", line % token)
        opening = reading(head)
        assert opening == openings(table)(head)
        if opening is not None:
            alone = read_plain(head + b"x" * opening.block.length)
            assert alone is not None
            assert (opening.block, opening.head.headers) == (alone.block, alone.block.headers)
            lines = field_lines(request_headers(opening.head, forward_token=forward_token))
            assert opening.start.lines.endswith(b" HTTP/1.1\r\n" + lines + b"X-Request-Id: ")


@pytest.mark.parametrize("changes", CHANGES)
def test_by_a_canary_s_route_it_begins_in_that_route_s_way(changes: dict[str, object]) -> None:
    there = route("/orders", **changes)
    taken = route("/orders", canary=Canary(there, 0.5, None))
    reading = openings(RouteTable([taken]))
    for token in (b"one", b"other", b"other"):
        opening = reading(HEAD.replace(b"Bearer t", b"Bearer " + token))
        assert opening is not None
        for way in (taken, there):
            exchange = Exchange(opening.head_from(request("/").peer), way, "id-1")
            assert opening.upstream_head(opening.start_for(way), exchange) == head_bytes(
                forward_head(exchange), b""
            )


def test_the_same_bytes_are_read_once_and_long_ones_each_time() -> None:
    reading = openings(RouteTable([route("/orders")]))
    long = HEAD.replace(b"/7", b"/" + b"7" * MAX_HEAD)
    assert reading(HEAD) is reading(HEAD)
    assert reading(long) is not None
    assert reading(long) is not reading(long)


def test_each_request_has_its_own_peer() -> None:
    opening = read(HEAD, route("/orders"))
    assert opening is not None
    peer = request("/").peer
    assert opening.head_from(peer).peer is peer


def test_the_upstream_is_told_of_each_caller_what_holds_for_it() -> None:
    taken = route("/orders")
    opening = read(HEAD, taken)
    assert opening is not None
    near, far = direct_peer("192.0.2.1", "https"), direct_peer("192.0.2.2", "http")
    one, two = (TokenFacts(name, ("a",), (), name, 0, 0, "g") for name in ("one", "two"))
    for peer, caller in [(near, one), (near, one), (near, two), (far, two), (near, two), (near, None)]:
        exchange = Exchange(opening.head_from(peer), taken, "id-1", caller)
        wire = opening.upstream_head(opening.start, exchange)
        assert wire == head_bytes(forward_head(exchange), b"")


class Shaping(ProxyPlugin):
    by_head = ("on_forward",)

    def on_forward(self, exchange: Exchange) -> None:
        assert exchange.forward is not None
        exchange.forward.method = "PUT"
        exchange.forward.target += b"&c"
        exchange.forward.set("X-Token", exchange.request.header("authorization") or "none")


@pytest.mark.parametrize("changes", CHANGES)
def test_what_hooks_make_of_the_head_alone_is_remembered_with_it(changes: dict[str, object]) -> None:
    taken = route("/orders", pipeline=compile_pipeline([Shaping.__new__(Shaping)]), **changes)
    reading = openings(RouteTable([taken]))
    for token in (b"one", b"other", b"one"):
        opening = reading(HEAD.replace(b"Bearer t", b"Bearer " + token))
        assert opening is not None
        exchange = Exchange(opening.head_from(request("/").peer), taken, "id-1")
        wire = opening.upstream_head(opening.start, exchange)
        assert wire == head_bytes(forward_head(exchange), b"")
        assert wire.startswith(b"PUT ")
        assert b"X-Token: Bearer %s\r\n" % token in wire


def test_a_head_that_such_a_hook_fails_on_is_not_for_the_lane() -> None:
    class Curious(Shaping):
        def on_forward(self, exchange: Exchange) -> None:
            assert exchange.caller

    taken = route("/orders", pipeline=compile_pipeline([Curious.__new__(Curious)]))
    assert read(HEAD, taken) is None


def asynchronous() -> Pipeline:
    class Waiting(ProxyPlugin):
        async def on_request(self, exchange: Exchange) -> None:
            """Waits."""

    return compile_pipeline([Waiting.__new__(Waiting)])


@pytest.mark.parametrize(
    "data",
    [
        HEAD.replace(b"GET", b"OPTIONS"),
        HEAD.replace(b"/orders", b"/nowhere"),
        HEAD.replace(b"/orders", b"/orders/.."),
        HEAD.replace(b"/orders", b"/slow"),
        HEAD.replace(b"X-A: 1", b"Expect: 100-continue"),
        HEAD[:-2],
        b"\r\n\r\n",
        b"",
    ],
)
def test_what_may_need_more_is_not_read(data: bytes) -> None:
    assert read(data, route("/orders"), route("/slow", pipeline=asynchronous())) is None


def test_the_gateway_s_own_paths_are_not_read() -> None:
    assert read(HEAD.replace(b"/orders", b"/token"), route("/")) is None
