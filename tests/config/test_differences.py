"""What two configurations differ in, in words."""

from __future__ import annotations

import pytest

from gateway.config.differences import differences, summary
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.plugin.catalog import PluginCatalog

UPSTREAMS = (
    'upstreams: {a: {servers: [{url: "http://127.0.0.1:1"}]}, b: {servers: [{url: "http://127.0.0.1:2"}]}}\n'
)


def settings(text: str) -> Settings:
    return load_text("server: {}\n" * (not text.startswith("server")) + text, {}, PluginCatalog())


def words(old: str, new: str) -> list[str]:
    return summary(differences(settings(old), settings(new)))


def client(secret: str) -> str:
    return f"clients: [{{id: shop, secrets: [{secret}]}}]\n"


def test_equal_configurations_have_no_difference() -> None:
    assert (
        words(UPSTREAMS + client("long-secret-of-the-shop"), UPSTREAMS + client("long-secret-of-the-shop"))
        == []
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("", "server: {max_body: 20m}", "server.max_body 10485760 -> 20971520"),
        ("", "server: {timeouts: {header: 5s}}", "server.timeouts.header 10.0 -> 5.0"),
        ("", "tokens: {format: jwt}", "tokens.format opaque -> jwt"),
        ("management: false", "", 'management null -> {"host": "127.0.0.1", "port": 9280}'),
        ("", "tiers: {gold: {limit: 5, per: 1s}}", "tier gold is new"),
        (
            "grants: {refresh_token: {enabled: true}}",
            "grants: {refresh_token: {enabled: false}}",
            "grant refresh_token: enabled true -> false",
        ),
    ],
)
def test_a_key_is_named_with_both_values(old: str, new: str, line: str) -> None:
    assert words(old, new) == [line]


def test_entries_of_lists_are_compared_by_their_name() -> None:
    two = UPSTREAMS + "routes: [{path: /x, upstream: a}, {path: /y, methods: [GET], upstream: a}]"
    other = UPSTREAMS + "routes: [{path: /y, methods: [GET], upstream: b}, {path: /z, upstream: a}]"
    assert words(two, other) == ["route /x is gone", "route GET /y: upstream a -> b", "route /z is new"]


def test_another_order_is_a_difference_of_its_own() -> None:
    one = "plugins: [{use: request_id}, {use: headers, with: {request: {set: {X-A: b}}}}]"
    other = "plugins: [{use: headers, with: {request: {set: {X-A: b}}}}, {use: request_id}]"
    assert words(one, other) == ["plugins in another order: headers, request_id"]


def test_routes_that_change_alike_share_a_line() -> None:
    def routes(upstream: str) -> str:
        paths = ", ".join(f"{{path: /p{number}, upstream: {upstream}}}" for number in range(12))
        return f"{UPSTREAMS}routes: [{paths}]"

    (line,) = words(routes("a"), routes("b"))
    assert line.startswith("12 routes: upstream a -> b (/p0, /p1, ")
    assert line.endswith("/p9 and 2 more)")


def test_entries_within_entries_name_both() -> None:
    one = "upstreams: {a: {servers: [{url: 'http://127.0.0.1:1'}]}}"
    two = "upstreams: {a: {servers: [{url: 'http://127.0.0.1:1', weight: 3}, {url: 'http://127.0.0.1:2'}]}}"
    assert words(one, two) == [
        "upstream a server http://127.0.0.1:1: weight 1 -> 3",
        "upstream a server http://127.0.0.1:2 is new",
    ]


def test_secrets_are_compared_and_never_shown() -> None:
    one, two = client("first-secret-of-the-shop"), client("second-secret-of-the-shop")
    assert words(one, two) == ["client shop: secrets changed"]
    redis = 'store: {{url: "redis://:{}@127.0.0.1"}}'
    (line,) = words(redis.format("first-password"), redis.format("second-password"))
    assert "password" not in line
    assert line == "store.url redis://***@127.0.0.1 -> redis://***@127.0.0.1"


def test_a_long_value_is_cut() -> None:
    scopes = ", ".join(f"scope-{number}" for number in range(100))
    (line,) = words("", f"scopes: {{default: [{scopes}]}}")
    assert len(line) < 200
    assert line.endswith("…")
