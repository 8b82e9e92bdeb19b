"""When, from where and with what keys were used last."""

from __future__ import annotations

from tests.portal.pages.test_usage import after_settling
from tests.portal.reader import Reader, Sheet, call


def token_of(gateway: str, made: Sheet) -> str:
    """A token of new keys, asked for with a library of its own."""
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    status, token = call(gateway, "/token", form, basic=credentials, agent="token-getter/1.5 (x)")
    assert status == 200
    return str(token["access_token"])


def test_the_last_token_and_the_last_call_are_shown(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    fresh = developer.tab(path, "calls").words
    assert "Last call never Last token never Secret less than a minute old, no end" in fresh
    assert call(gateway, "/orders", bearer=token_of(gateway, made))[0] == 200
    shown = after_settling(developer, f"{path}/calls", "with Python-urllib/").words
    assert "UTC from 127.0.0.1 with token-getter/1.5" in shown
    assert "/limited 3 in 1 hour client 3 bit by bit" in shown
    overview = developer.open(path.removesuffix("/production")).words
    assert "with token-getter/1.5 Secret:" in overview
    assert "/limited: 3 of 3 calls left" in overview


def test_what_is_left_of_limits_is_shown(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    token = token_of(gateway, made)
    assert [call(gateway, "/limited", bearer=token)[0] for _ in range(4)] == [200, 200, 200, 429]
    after_settling(developer, f"{path}/calls", "/limited 3 in 1 hour client none bit by bit")


def test_a_wrong_secret_is_no_use_of_keys(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    form = {"grant_type": "client_credentials"}
    assert call(gateway, "/token", form, basic=f"{made.value('consumer-key')}:wrong")[0] == 401
    after_settling(developer, path.replace("/production", "/usage"), "Tokens refused 1 ")
    assert "Last token never" in developer.tab(path, "calls").words


def test_somebody_elses_last_uses_are_not_there(developer: Reader, admin: Reader) -> None:
    path, _ = admin.keys(f"Used {id(developer)}")
    assert developer.tab(path, "calls").status == 404


def test_the_last_calls_are_shown_with_the_way_to_their_cause(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    assert "No calls in the last seven days." in developer.tab(path, "calls").words
    token = token_of(gateway, made)
    assert call(gateway, "/orders/7?key=kept-from-all", bearer=token)[0] == 200
    status, problem = call(gateway, "/orders", {"a": "b"}, bearer=token)
    assert (status, problem["code"]) == (403, "900910")
    shown = after_settling(developer, f"{path}/calls", "POST /orders 403 900910 Not allowed")
    assert "GET /orders 200" in shown.words
    assert "kept-from-all" not in shown.html
    found = developer.open(f"/portal/refusals?request={problem['request_id']}")
    assert f'/portal/refusals?request={problem["request_id"]}"' in shown.html
    assert "POST /orders got 403 (900910)" in found.words
    file = developer.open(f"{path}/calls.csv")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["Cache-Control"] == "no-store"
    lines = file.html.splitlines()
    assert lines[0] == "time,method,route,status,code,reason,seconds,request_id"
    assert ",POST,/orders,403,900910,900910 Not allowed," in lines[1]
    assert len(lines) == 3


def test_somebody_elses_calls_are_no_file(developer: Reader, admin: Reader) -> None:
    path, _ = admin.keys(f"Called {id(developer)}")
    assert developer.open(f"{path}/calls.csv").status == 404
    assert developer.open(f"{developer.application()}/production/calls.csv").status == 404, "no keys yet"
