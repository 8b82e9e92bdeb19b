"""Calls by API, keys, status and reason."""

from __future__ import annotations

import csv
import re
from io import StringIO

from tests.portal.pages.test_calls import token_of
from tests.portal.pages.test_usage import after_settling
from tests.portal.reader import Reader, call


def test_calls_are_shown_by_api_keys_status_and_reason(developer: Reader, gateway: str) -> None:
    path, made = developer.keys("=Shop")
    application = path.removesuffix("/production")
    assert "There were no calls in this time." in developer.open(f"{application}/calls").words
    token = token_of(gateway, made)
    assert [call(gateway, "/orders/7", bearer=token)[0] for _ in range(3)] == [200] * 3
    assert call(gateway, "/orders", {"a": "b"}, bearer=token)[0] == 403
    shown = after_settling(developer, f"{application}/calls", "/orders Production 403 900910 Not allowed 1")
    assert "/orders Production 200 3" in shown.words
    assert "Calls by day: 3 2xx, 0 3xx, 1 4xx, 0 5xx." in shown.html
    assert "=Shop: Production 200 3" in developer.open("/portal/calls?days=1&keys=production").words
    assert "There were no calls" in developer.open(f"{application}/calls?keys=sandbox&days=7").words
    assert "/orders Production 200 3" in developer.open(f"{application}/calls?keys=x&days=<b>").words
    for file in (f"{application}/calls.csv", "/portal/calls.csv?days=1"):
        rows = list(csv.reader(StringIO(developer.open(file).html, newline="")))
        assert rows[0][:4] == ["day", "application", "environment", "consumer_key"]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row[0]) for row in rows[1:])
        assert [row[1:3] + row[4:] for row in rows[1:]] == [
            ["'=Shop", "production", "/orders", "200", "", "", "3"],
            ["'=Shop", "production", "/orders", "403", "900910", "900910 Not allowed", "1"],
        ]


def test_somebody_elses_calls_are_not_there(developer: Reader, admin: Reader) -> None:
    path = admin.application(f"Counted {id(developer)}")
    for page in ("calls", "calls.csv"):
        assert developer.open(f"{path}/{page}").status == 404
    assert Reader(developer.base).open("/portal/calls").url.endswith("/portal/sign-in?next=/portal/calls")
