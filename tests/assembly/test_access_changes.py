"""Who may call what under one configuration and not under another."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.assembly import access_changes as access_changes_module
from gateway.assembly.access_changes import access_changes, change_report
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.plugin.catalog import PluginCatalog

BASE = """
clients:
  - {id: warehouse, secrets: [long-secret-of-the-warehouse], scopes: [orders.read, orders.write]}
  - {id: shop, secrets: [long-secret-of-the-shop], scopes: [orders.read]}
routes:
  - {path: /orders, methods: [GET], upstream: "http://127.0.0.1:1", scopes: [orders.read]}
  - {path: /orders, methods: [POST], upstream: "http://127.0.0.1:1", scopes: [orders.write]}
  - {path: /about, methods: [GET], upstream: "http://127.0.0.1:1", auth: none}
"""


def settings(text: str) -> Settings:
    return load_text(text, {}, PluginCatalog())


def lines(old: str, new: str) -> list[str]:
    return [line for change in access_changes(settings(old), settings(new)) for line in change.lines]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("scopes: [orders.write]", "scopes: [orders.admin]", "warehouse may no longer call POST /orders"),
        ("[POST]", "[PUT]", "warehouse may no longer call POST /orders; warehouse may now call PUT /orders"),
        ("orders.read, orders.write]}", "orders.read]}", "warehouse may no longer call POST /orders"),
        (
            "scopes: [orders.read]}\nroutes",
            "scopes: [orders.read], enabled: false}\nroutes",
            "shop may no longer call GET /orders",
        ),
        (
            "path: /about, methods: [GET]",
            "path: /about",
            "anyone may no longer call GET /about; anyone may now call any method of /about",
        ),
        (
            "methods: [POST]",
            "access: request, methods: [POST]",
            "warehouse may no longer call POST /orders",
        ),
        ("auth: none", "scopes: [orders.read]", "anyone may no longer call GET /about"),
    ],
)
def test_who_gains_and_loses_what(before: str, after: str, line: str) -> None:
    assert before in BASE
    assert "; ".join(lines(BASE, BASE.replace(before, after))) == line


def test_an_opened_route_is_not_listed_for_each_client() -> None:
    opened = BASE.replace(
        'methods: [POST], upstream: "http://127.0.0.1:1", scopes: [orders.write]',
        'methods: [POST], upstream: "http://127.0.0.1:1", auth: none',
    )
    assert lines(BASE, opened) == ["anyone may now call POST /orders"]
    assert lines(opened, BASE) == [
        "anyone may no longer call POST /orders",
    ]


def test_a_client_that_comes_or_goes_reaches_or_loses_its_routes() -> None:
    without = BASE.replace("  - {id: shop, secrets: [long-secret-of-the-shop], scopes: [orders.read]}\n", "")
    assert lines(without, BASE) == ["shop may now call GET /orders"]
    assert lines(BASE, without) == ["shop may no longer call GET /orders"]


def test_nothing_changes_for_anyone_when_only_the_upstream_does() -> None:
    new = BASE.replace("127.0.0.1:1", "127.0.0.1:2")
    assert lines(BASE, new) == []
    assert change_report(settings(BASE), settings(new)) == [
        "3 routes: upstream http://127.0.0.1:1 -> http://127.0.0.1:2 (GET /orders, POST /orders, GET /about)"
    ]


def test_a_subscription_opens_its_api_to_its_client_alone() -> None:
    asked = BASE.replace(
        "scopes: [orders.read]}\n  - {path: /orders, methods: [POST]",
        "scopes: [orders.read], access: request}\n  - {path: /orders, methods: [POST]",
    )
    assert asked != BASE
    subscribed = asked.replace("-shop], scopes", "-shop], subscriptions: [/orders], scopes")
    assert lines(asked, subscribed) == ["shop may now call GET /orders"]


def test_many_clients_with_the_same_rights_are_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, check = [], access_changes_module.check_access

    def counted(*words: Any) -> Any:
        judged.append(words)
        return check(*words)

    monkeypatch.setattr(access_changes_module, "check_access", counted)
    client = "  - {{id: c{}, secrets: [long-secret-{}], scopes: [a]}}\n"
    many = "".join(client.format(number, number) for number in range(100))
    base = BASE.replace("routes:", f"{many}routes:")
    assert len(lines(base, base.replace("scopes: [a]", "scopes: [orders.read]"))) == 100
    assert len(judged) == 2 * 2, "the routes with a token, under each of the configurations"


@pytest.mark.parametrize(
    ("path", "audience", "may"),
    [
        ("/orders", "https://api.example.org/orders", True),
        ("/orders", "https://api.example.org/orders/invoices/", True),
        ("/orders", "https://api.example.org/ordersheet", False),
        ("/orders, match: exact", "https://api.example.org/orders/invoices", False),
    ],
)
def test_a_client_may_have_tokens_for_what_lies_below_a_route(path: str, audience: str, may: bool) -> None:
    old = f"""
server: {{public_url: "https://api.example.org"}}
clients: [{{id: shop, secrets: [long-secret-of-the-shop], scopes: [orders.read]}}]
routes:
  - {{path: {path}, upstream: "http://127.0.0.1:1", scopes: [orders.read]}}
  - {{path: /about, methods: [GET], upstream: "http://127.0.0.1:1", audience: "urn:other"}}
"""
    gained = lines(old, old.replace("urn:other", audience))
    assert gained == (["shop may now call GET /about"] if may else [])
