"""Charts: within their frame, and with a table that says the same."""

from __future__ import annotations

from gateway.accounts.usage_reports import Report, Slot
from gateway.portal.charts import FOOT, HEIGHT, WIDTH, charts, stacked
from gateway.store.usage import CELLS


def test_parts_stand_on_top_of_each_other_within_the_frame() -> None:
    series = (("good", "2xx"), ("failed", "5xx"))
    chart = stacked("c", "Calls", series, [("10:00", (3, 1)), ("10:01", (0, 0)), ("10:02", (0, 8))], 2)
    first, second, third = chart.bars
    assert first.y + first.height == HEIGHT - FOOT
    assert abs(second.y + second.height - first.y) < 0.11
    assert third.y >= 14
    assert all(0 <= bar.x <= bar.x + bar.width <= WIDTH for bar in chart.bars)
    assert (chart.top, chart.summary) == (8, "3 2xx, 9 5xx.")
    assert chart.rows == (("10:00", "3", "1"), ("10:02", "0", "8"))
    assert [label for _, label in chart.labels] == ["10:00", "10:02"]


def test_a_report_has_its_pictures_and_an_empty_one_says_so() -> None:
    slots = tuple(Slot(60 * index, [index] * CELLS) for index in range(60))
    calls, latency, tokens, limits = charts(Report("hour", slots, 0))
    assert not any(chart.empty for chart in (calls, latency, tokens, limits))
    assert limits.summary == f"{sum(range(60))} refused calls."
    assert [row[0] for row in latency.rows[-2:]] == ["up to 1 s", "over 1 s"]
    assert latency.rows[0] == ("up to 10 ms", str(sum(range(60))))
    empty = tuple(Slot(60 * index, [0] * CELLS) for index in range(60))
    assert all(chart.empty and not chart.rows for chart in charts(Report("hour", empty, 0)))
