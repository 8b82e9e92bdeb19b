import pytest

from gateway.http.exchange import Exchange
from gateway.http.problems import Problem
from gateway.http.route import Canary
from gateway.oauth.model import OWN
from gateway.plugin import PluginConfig, PluginContext, ProxyPlugin
from gateway.proxy.explain import example_head, explain
from gateway.proxy.pipeline import compile_pipeline
from gateway.proxy.route_table import RouteTable
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


def explained(method: str, url: str) -> str:
    explanation = explain(example_head(method, url), ROUTES, UPSTREAMS)
    assert explanation is not None
    return "\n".join(explanation.lines)


def test_it_says_which_route_who_may_call_and_what_goes_upstream() -> None:
    text = explained("GET", "https://api.example.org/orders/7?full=1")
    assert "/orders (prefix), methods: GET" in text
    assert "orders.read" in text
    assert "Stamp" in text
    assert "http://127.0.0.1:9001" in text
    assert "GET /7?full=1 HTTP/1.1" in text
    assert "X-Client-Id: <the token's client>" in text
    assert "X-Forwarded-Host: api.example.org" in text


def test_an_open_route_is_open_to_everybody() -> None:
    text = explained("PUT", "/open")
    assert "open to all (auth: none)" in text
    assert "X-Client-Id" not in text
    assert "plugins       none" in text


def test_whose_tokens_are_accepted_is_reported() -> None:
    assert "valid token, issued by this gateway or issuer corp" in explained("GET", "/corp")
    assert "issuer" not in explained("GET", "/orders")


def test_a_canary_is_reported() -> None:
    line = "canary        2.5 % to next (unix:/run/next); x-canary: always or never overrides"
    assert line in explained("GET", "/new").splitlines()


def test_an_endpoint_is_the_gateways_own() -> None:
    assert explain(example_head("POST", "/token"), ROUTES, UPSTREAMS) is None


@pytest.mark.parametrize(
    ("method", "url", "status"), [("GET", "/x", 404), ("PUT", "/orders", 405), ("GET", "/a/../b", 400)]
)
def test_what_no_route_takes_is_told_like_a_caller_would_be(method: str, url: str, status: int) -> None:
    with pytest.raises(Problem) as caught:
        explained(method, url)
    assert caught.value.kind.status == status


def test_it_says_what_plugins_do_to_what_goes_upstream() -> None:
    rewrite = made(Rewrite, path="/orders/{id}/items", to="/v2/{id}")
    header = made(HeaderRules, request={"set": {"X-Mode": "new"}})
    table = RouteTable([route("/orders", pipeline=compile_pipeline([rewrite, header]))])
    explanation = explain(example_head("GET", "/orders/7/items?x"), table, UPSTREAMS)
    assert explanation is not None
    text = "\n".join(explanation.lines)
    assert "Rewrite (/orders/{id}/items -> /v2/{id})" in text
    assert "GET /v2/7?x HTTP/1.1" in text
    assert "X-Mode: new" in text
