"""Routes whose upstream speaks gRPC: what they can't have is an error with its line."""

import pytest

from gateway.config.checks import grpc
from tests.config.example import problems, settings

SERVER = "server: {trusted_proxies: [127.0.0.1]}"


def config(route: str = "", upstream: str = "", server: str = SERVER, more: str = "") -> str:
    rest = f", {route}" if route else ""
    keys = f", {upstream}" if upstream else ""
    return f"""\
{server}
upstreams:
  shop: {{servers: [{{url: http://127.0.0.1:50051}}], protocol: grpc{keys}}}
  other: {{servers: [{{url: http://127.0.0.1:9001}}]}}
routes:
- {{path: /shop.Orders, upstream: shop{rest}}}
{more}
"""


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin of the small catalog that these tests have."""
    monkeypatch.setattr(grpc, "PLUGINS", frozenset({"limit"}))


@pytest.mark.parametrize(
    "route",
    [
        "",
        "scopes: [orders.read], methods: [POST]",
        "strip_prefix: false",
        "forward_token: true, match: exact",
        "plugins: [{use: limit, with: {limit: 1}}]",
    ],
)
def test_what_concerns_heads_alone_is_fine(route: str) -> None:
    assert problems(config(route)) == []


def test_the_whole_path_is_kept() -> None:
    (route,) = settings(config()).routes
    assert not route.strips


@pytest.mark.parametrize(
    "upstream",
    ["health: {interval: 1s}", "timeouts: {deadline: 60s}", "balance: least_requests", "breaker: null"],
)
def test_what_envoy_can_do_for_an_upstream_is_fine(upstream: str) -> None:
    assert problems(config(upstream=upstream)) == []


@pytest.mark.parametrize(
    ("route", "key"),
    [
        ("canary: {upstream: other, percent: 5}", "canary"),
        ("mirror: {upstream: other}", "mirror"),
        ("end_with_token: true", "end_with_token"),
        ("allow_headers: [X-Forwarded-Path]", "allow_headers"),
        ("token_from: ['cookie:session']", "token_from"),
        ("strip_prefix: true", "strip_prefix"),
        ("methods: [GET]", "methods"),
        ("mcp: {default: [a]}", "mcp"),
    ],
)
def test_what_only_the_gateways_own_proxy_can_do_is_an_error_with_its_line(route: str, key: str) -> None:
    found = problems(config(route))
    assert found
    assert found[0].startswith(f"6:{found[0].split(':')[1]}: routes[0].{key}: ")


def test_a_plugin_that_sees_more_than_heads_is_an_error_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grpc, "PLUGINS", frozenset())
    text = "can't be had on /shop.Orders, whose upstream speaks gRPC"
    (found,) = problems(config("plugins: [{use: limit, with: {limit: 1}}]"))
    assert found.startswith("6:")
    assert f"routes[0].plugins[0].use: {text}" in found
    (found,) = problems(config(more="plugins: [{use: limit, with: {limit: 1}}]"))
    assert found.startswith("7:")
    assert f": plugins[0].use: {text}" in found


@pytest.mark.parametrize(
    ("upstream", "key"),
    [
        ("sticky: {cookie: a}", "sticky"),
        ("auth: {basic: {user: a, password: b}}", "auth"),
        ("balance: hash", "balance"),
        ("health: {path: /health}", "health.path"),
        ("health: {expect: {status: [200]}}", "health.expect"),
    ],
)
def test_what_envoy_can_not_do_for_an_upstream_is_an_error_with_its_line(upstream: str, key: str) -> None:
    (found,) = problems(config(upstream=upstream))
    assert found.startswith("3:")
    assert f"upstreams.shop.{key}: " in found


@pytest.mark.parametrize("url", ["http://127.0.0.1:50051/base", "srv+http://_grpc._tcp.shop.example.org"])
def test_servers_have_a_port_and_no_path(url: str) -> None:
    (found,) = problems(config().replace("http://127.0.0.1:50051", url))
    assert "upstreams.shop.servers[0].url: can't " in found


def test_without_anybody_who_forwards_calls_a_route_can_not_be_had() -> None:
    (found,) = problems(config(server="server: {}"))
    assert "routes[0].upstream: speaks gRPC, and nobody forwards its calls" in found
    assert problems(config(server="server: {listen: [{port: 80, http: [1, 2]}]}")) == []
    assert problems(config(server="server: {forward_auth: {secrets: [a-secret-of-a-proxy]}}")) == []


@pytest.mark.parametrize("key", ["canary: {upstream: shop, percent: 5}", "mirror: {upstream: shop}"])
def test_no_other_route_leads_there_by_the_way(key: str) -> None:
    (found,) = problems(config(more=f"- {{path: /other, upstream: other, {key}}}"))
    assert "upstream: speaks gRPC, which the gateway does not proxy" in found


def test_a_deadline_is_for_calls_of_grpc() -> None:
    text = config().replace("9001}]", "9001}], timeouts: {deadline: 1s}")
    (found,) = problems(text)
    assert "upstreams.other.timeouts.deadline: has no effect: protocol is not grpc" in found
