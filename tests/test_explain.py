import pytest

from gateway.exchange import Exchange
from gateway.explain import explain
from gateway.faults import Fault
from gateway.oauth.values import OWN
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin
from gateway.proxy.canary import Canary
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.routes import RouteTable
from plugins.headers import HeaderRules
from plugins.rewrite import Rewrite
from tests.plugins.exchanges import made
from tests.proxy.routing import route


class Stamp(ProxyPlugin):
    def on_request(self, exchange: Exchange) -> None: ...


PIPELINE = compile_pipeline([Stamp(PluginConfig(), PluginContext(lambda: 0.0))])
ROUTES = RouteTable(
    [
        route(
            "/orders",
            methods=("GET",),
            strip=1,
            scopes=frozenset({"orders.read"}),
            scope_text="orders.read",
            pipeline=PIPELINE,
        ),
        route("/open", protected=False),
        route("/corp", issuers=frozenset({OWN, "corp"})),
        route("/new", canary=Canary(route("/new", upstream_name="next"), 2.5, b"x-canary")),
    ]
)
UPSTREAMS = {"orders": "http://127.0.0.1:9001", "next": "unix:/run/next"}


def told(method: str, url: str) -> str:
    return "\n".join(explain(method, url, ROUTES, UPSTREAMS).lines)


def test_it_says_which_route_who_may_call_and_what_goes_upstream() -> None:
    text = told("GET", "https://api.example.org/orders/7?full=1")
    assert "/orders (and all below), methods: GET" in text
    assert "orders.read" in text
    assert "Stamp" in text
    assert "http://127.0.0.1:9001" in text
    assert "GET /7?full=1 HTTP/1.1" in text
    assert "X-Client-Id: <the token's client>" in text
    assert "X-Forwarded-Host: api.example.org" in text


def test_an_open_route_is_open_to_everybody() -> None:
    text = told("PUT", "/open")
    assert "everybody" in text
    assert "X-Client-Id" not in text
    assert "plugins       none" in text


def test_whose_tokens_are_accepted_is_told() -> None:
    assert "who has a live token, this gateway's or the issuer corp's" in told("GET", "/corp")
    assert "issuer" not in told("GET", "/orders")


def test_a_canary_is_told() -> None:
    line = "canary        2.5 % to next (unix:/run/next); x-canary: always or never decides"
    assert line in told("GET", "/new").splitlines()


def test_an_endpoint_is_the_gateways_own() -> None:
    assert "endpoint of the gateway's own" in told("POST", "/token")


@pytest.mark.parametrize(
    ("method", "url", "status"), [("GET", "/x", 404), ("PUT", "/orders", 405), ("GET", "/a/../b", 400)]
)
def test_what_no_route_takes_is_told_like_a_caller_would_be(method: str, url: str, status: int) -> None:
    with pytest.raises(Fault) as caught:
        told(method, url)
    assert caught.value.kind.status == status


def test_it_says_what_plugins_do_to_what_goes_upstream() -> None:
    rewrite = made(Rewrite, path="/orders/{id}/items", to="/v2/{id}")
    header = made(HeaderRules, request={"set": {"X-Mode": "new"}})
    table = RouteTable([route("/orders", pipeline=compile_pipeline([rewrite, header]))])
    text = "\n".join(explain("GET", "/orders/7/items?x", table, UPSTREAMS).lines)
    assert "Rewrite (/orders/{id}/items -> /v2/{id})" in text
    assert "GET /v2/7?x HTTP/1.1" in text
    assert "X-Mode: new" in text
