"""Pictures of what an application has done."""

from __future__ import annotations

import time

from tests.portal.reader import Reader, Sheet, call

PATIENCE = 30
"""Seconds; workers settle every two."""


def after_settling(reader: Reader, path: str, words: str) -> Sheet:
    """The page, once it says so."""
    deadline = time.monotonic() + PATIENCE
    while words not in (sheet := reader.open(path)).words:
        assert time.monotonic() < deadline, sheet.words
        time.sleep(0.1)
    return sheet


def test_before_there_is_any_the_page_says_so(developer: Reader) -> None:
    path = developer.application()
    shown = developer.open(f"{path}/usage?over=month").words
    assert shown.count("No data for the last month.") == 4
    assert "Registered users 0" in shown
    assert "No data for the last hour." in developer.open(f"{path}/usage?over=<b>").words


def test_calls_and_tokens_are_shown_with_the_numbers_behind(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    _, token = call(gateway, "/token", form, basic=credentials)
    call(gateway, "/token", {**form, "scope": "admin"}, basic=credentials)
    told = [call(gateway, "/limited", bearer=token["access_token"])[0] for _ in range(5)]
    assert told == [200, 200, 200, 429, 429]
    usage = path.replace("/production", "/usage")
    after_settling(developer, usage, "Calls 5 ")
    for page in (usage, "/portal/usage"):
        for over in ("hour", "day", "month"):
            shown = developer.open(f"{page}?over={over}")
            assert "Calls 5 Limits hit 2 Tokens issued 1 " in shown.words
            assert "3 2xx, 0 3xx, 2 4xx, 0 5xx." in shown.html
            assert f"Calls by duration in the last {over}: 5 calls." in shown.html
            assert "1 issued, 1 refused." in shown.html
            assert f"Limits hit in the last {over}: 2 refused calls." in shown.html
            assert shown.html.count("<table") == 4


def test_somebody_elses_pictures_are_not_there(developer: Reader, admin: Reader) -> None:
    path = admin.application(f"Watched {id(developer)}")
    assert developer.open(f"{path}/usage").status == 404


def test_what_was_refused_is_counted_too(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    key, secret = made.value("consumer-key"), made.value("consumer-secret")
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    token = call(gateway, "/token", form, basic=f"{key}:{secret}")[1]["access_token"]
    assert call(gateway, "/orders", {"a": "b"}, bearer=token)[0] == 403
    assert [call(gateway, "/token", form, basic=f"{key}:wrong")[0] for _ in range(3)] == [401] * 3
    usage = path.replace("/production", "/usage")
    shown = after_settling(developer, usage, "Calls 1 Limits hit 0 Tokens issued 1 Tokens refused 3 ")
    assert "0 2xx, 0 3xx, 1 4xx, 0 5xx." in shown.html


def test_production_and_sandbox_are_shown_together_and_apart(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    sandbox = developer.open(path.replace("/production", "/sandbox")).submit("/generate-keys")
    for sheet, number in ((made, 1), (sandbox, 2)):
        credentials = f"{sheet.value('consumer-key')}:{sheet.value('consumer-secret')}"
        form = {"grant_type": "client_credentials", "validity_period": "60"}
        assert [call(gateway, "/token", form, basic=credentials)[0] for _ in range(number)] == [200] * number
    for page in (path.replace("/production", "/usage"), "/portal/usage"):
        after_settling(developer, page, "Tokens issued 3 ")
        assert "Tokens issued 1 " in developer.open(f"{page}?keys=production").words
        assert "Tokens issued 2 " in developer.open(f"{page}?keys=sandbox").words
