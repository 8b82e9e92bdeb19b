"""How a request would fare by the configuration alone."""

import pytest

from gateway.oauth.model import OWN, TokenInfo
from gateway.proxy.explain import example_head
from gateway.proxy.route_table import RouteTable
from gateway.proxy.verdict import Verdict, judge_request
from tests.proxy.routing import route

TABLE = RouteTable(
    [
        route("/orders", scopes=frozenset({"read"}), scope_text="read"),
        route("/audience", audience="https://a.example"),
        route("/corp", issuers=frozenset({"corp"})),
        route("/open", protected=False),
    ]
)
TOKEN = TokenInfo("demo", ("read",), (), "demo", 0, 1, "")


def verdict(path: str, token: TokenInfo | str | None = TOKEN) -> Verdict:
    return judge_request(example_head("GET", path), TABLE, token)


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/orders", TOKEN, 200),
        ("/orders", None, 401),
        ("/orders", "the client gets none", 401),
        ("/orders", TokenInfo("demo", (), (), "demo", 0, 1, ""), 403),
        ("/audience", TOKEN, 403),
        ("/corp", TOKEN, 401),
        ("/open", None, 200),
        ("/nothing", TOKEN, 404),
        ("/token", None, 200),
    ],
)
def test_the_rules_of_the_proxied_path_decide(path: str, token: TokenInfo | str | None, status: int) -> None:
    assert verdict(path, token).status == status


def test_a_refusal_says_why() -> None:
    assert verdict("/orders", None).reason == "the route needs a token"
    assert verdict("/corp").reason == "the route takes tokens of other issuers only"
    assert verdict("/orders", "no such client").reason == "no such client"
    assert OWN not in TABLE.match(example_head("GET", "/corp")).issuers
