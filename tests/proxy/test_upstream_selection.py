"""Where requests go, and what servers are chosen by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.http.exchange import Exchange, Header
from gateway.http.route import Canary
from gateway.oauth.model import TokenInfo
from gateway.proxy.upstream_selection import choose_canary, hash_key, hash_rule
from tests.proxy.routing import request, route


def facts(client: str) -> TokenInfo:
    return TokenInfo(client, (), (), "", 0, 0, "")


def exchange(*headers: Header, client: str | None = None, **changes: object) -> Exchange:
    """A request from 192.0.2.1 for /a?q, on a route with these changes."""
    caller = None if client is None else facts(client)
    return Exchange(request("/a?q", "GET", "h", *headers), route("/a", **changes), "1", token=caller)


@pytest.mark.parametrize(
    ("hash_by", "key"),
    [("client", b"shop"), ("path", b"/a"), ("header:X-Tenant", b"t1"), ("header:none", b"")],
)
def test_what_a_server_is_chosen_by(hash_by: str, key: bytes) -> None:
    asked = exchange((b"x-tenant", b"t1"), (b"X-Tenant", b"t2"), client="shop", hash_rule=hash_rule(hash_by))
    assert hash_key(asked) == key


def test_without_a_token_the_client_is_an_address() -> None:
    assert hash_key(exchange(hash_rule=hash_rule("client"))) == b"192.0.2.1"


def test_without_hash_nothing_is_looked_at() -> None:
    assert hash_key(exchange()) == b""


def went_to(percent: float, *headers: Header, client: str = "shop") -> str:
    plain = route("/a", upstream_name="old", base_path=b"/v1")
    canary = Canary(replace(plain, upstream_name="new", base_path=b"/v2"), percent, b"x-canary")
    asked = exchange(*headers, client=client)
    asked.route = replace(plain, canary=canary)
    choose_canary(asked)
    assert asked.route.base_path == {"old": b"/v1", "new": b"/v2"}[asked.route.upstream_name]
    assert asked.route.path == "/a"
    return asked.route.upstream_name


def test_a_share_of_the_clients_goes_to_the_canary_and_stays_there() -> None:
    clients = [f"client-{number}" for number in range(1000)]
    at_5 = {client for client in clients if went_to(5, client=client) == "new"}
    at_10 = {client for client in clients if went_to(10, client=client) == "new"}
    assert at_5 < at_10
    assert len(at_5) == pytest.approx(50, abs=25)
    assert went_to(0) == "old"
    assert went_to(100) == "new"


def test_a_header_decides_for_itself() -> None:
    assert went_to(0, (b"X-Canary", b"always")) == "new"
    assert went_to(100, (b"X-Canary", b"never")) == "old"
    assert went_to(100, (b"X-Canary", b"perhaps")) == "new"


def test_without_a_canary_a_route_leads_where_it_leads() -> None:
    asked = exchange()
    before = asked.route
    choose_canary(asked)
    assert asked.route is before
