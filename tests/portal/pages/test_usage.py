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
    assert shown.count("Nothing in the last month.") == 3
    assert "Registered users 0" in shown
    assert "Nothing in the last hour." in developer.open(f"{path}/usage?over=<b>").words


def test_calls_and_tokens_are_shown_with_the_numbers_behind(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    _, token = call(gateway, "/token", form, basic=credentials)
    call(gateway, "/token", {**form, "scope": "admin"}, basic=credentials)
    for _ in range(3):
        assert call(gateway, "/orders", bearer=token["access_token"])[0] == 200
    usage = path.replace("/production", "/usage")
    shown = after_settling(developer, usage, "Calls 3 ")
    assert "Tokens issued 1" in shown.words
    assert "3 2xx, 0 3xx, 0 4xx, 0 5xx." in shown.html
    assert "1 issued, 1 refused." in shown.html
    assert shown.html.count("<table") == 3
    assert "Calls 3 " in developer.open("/portal/usage?over=day").words
    assert "Calls 3 " in developer.open(f"{usage}?over=month").words


def test_somebody_elses_pictures_are_not_there(developer: Reader, admin: Reader) -> None:
    path = admin.application(f"Watched {id(developer)}")
    assert developer.open(f"{path}/usage").status == 404
