"""A line that thousands of requests would make is logged now and then, with their number."""

from __future__ import annotations

import pytest

from gateway.runtime import repeated_lines
from gateway.runtime.repeated_lines import RepeatedLines


def test_the_first_is_due_at_once_and_the_next_after_the_interval_with_the_number_left_out() -> None:
    now = 5.0
    lines = RepeatedLines(10, lambda: now)
    assert [lines.due("a"), lines.due("a"), lines.due("b"), lines.due("a")] == [0, None, 0, None]
    now = 15.0
    assert [lines.due("a"), lines.due("a"), lines.due("b")] == [2, None, 0]


def test_no_more_than_a_few_lines_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_lines, "MOST", 2)
    lines = RepeatedLines(10, lambda: 0.0)
    assert [lines.due(text) for text in ("a", "b", "c", "a", "c")] == [0, 0, 0, 0, None]
