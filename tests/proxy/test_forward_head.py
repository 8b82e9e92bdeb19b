"""The head that goes upstream."""

from gateway.http.exchange import Exchange
from gateway.oauth.model import TokenInfo
from gateway.proxy.forward_head import build_forward_head, render_request_head
from tests.proxy.routing import request, route

FACTS = TokenInfo("demo", ("a",), (), "demo", 0, 100, "client_credentials")


def an_exchange() -> Exchange:
    return Exchange(
        request("/orders/7?x", "GET", "localhost", (b"Authorization", b"Bearer t")),
        route("/orders", scopes=frozenset({"a"}), strip=1),
        "id-1",
    )


def test_the_head_that_goes_upstream() -> None:
    exchange = an_exchange()
    exchange.token = FACTS
    wire = render_request_head(build_forward_head(exchange), b"Transfer-Encoding: chunked\r\n")
    assert wire.startswith(b"GET /7?x HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 gatepost\r\n")
    assert wire.endswith(b"Transfer-Encoding: chunked\r\n\r\n")
    assert b"X-Client-Id: demo\r\n" in wire
    assert b"Authorization" not in wire


def test_an_upstream_can_have_a_host_of_its_own() -> None:
    asked = Exchange(request("/a", "GET", "public.example"), route("/a", host_header=b"inner:8080"), "1")
    headers = build_forward_head(asked).headers
    assert [value for name, value in headers if name == b"Host"] == [b"inner:8080"]
    assert (b"X-Forwarded-Host", b"public.example") in headers
