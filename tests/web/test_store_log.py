"""Requests that the store could not serve are in the log, and do not flood it."""

from __future__ import annotations

import pytest

from gateway.errors import StoreUnavailable
from gateway.runtime.repeated_lines import RepeatedLines
from gateway.web import store_log
from gateway.web.oauth_responses import ISSUE, store_unavailable


def test_an_outage_under_load_is_a_line_now_and_then_with_the_number_of_requests(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    monkeypatch.setattr(store_log, "_lines", RepeatedLines(store_log.INTERVAL, lambda: now))
    for second in range(25):
        now = float(second)
        for _ in range(100):
            store_unavailable(StoreUnavailable("it is away"), ISSUE)
    assert caplog.messages == [
        "store unavailable: it is away",
        "store unavailable: it is away (999 more requests since the last such line)",
        "store unavailable: it is away (999 more requests since the last such line)",
    ]
