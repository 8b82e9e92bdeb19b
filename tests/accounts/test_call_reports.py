"""What was called how often."""

from __future__ import annotations

from gateway.accounts.call_reports import CallReports, CallRow, DayRow, call_report
from gateway.accounts.calls import CallCount, CallKind
from gateway.store import Store
from tests.services import Clock

NOW = 1_800_000_000
TODAY = NOW // 86_400
OK, LIMITED, GONE = CallKind("/a", 200, ""), CallKind("/a", 429, "900800"), CallKind("/b", 499, "")
COUNTS = {
    "one": [CallCount(TODAY - 2, OK, 9), CallCount(TODAY - 1, OK, 5), CallCount(TODAY, OK, 2)],
    "two": [
        CallCount(TODAY, LIMITED, 3),
        CallCount(TODAY, GONE, 4),
        CallCount(TODAY, CallKind("other", 0, ""), 1),
    ],
}


def test_days_and_kinds_are_added_up_the_most_frequent_first() -> None:
    report = call_report(COUNTS, TODAY, 2)
    assert report.days == (TODAY - 1, TODAY)
    assert report.rows[:3] == (CallRow("one", OK, 7), CallRow("two", GONE, 4), CallRow("two", LIMITED, 3))
    assert report.by_day[:2] == (
        DayRow(TODAY - 1, CallRow("one", OK, 5)),
        DayRow(TODAY, CallRow("two", GONE, 4)),
    )
    assert report.statuses == ((TODAY - 1, (5, 0, 0, 0)), (TODAY, (3, 0, 7, 0)))
    assert report.total == 15


def test_without_counts_all_days_are_there_still() -> None:
    report = call_report({}, TODAY, 3)
    assert (report.rows, report.total) == ((), 0)
    assert [numbers for _, numbers in report.statuses] == [(0, 0, 0, 0)] * 3


async def test_what_workers_wrote_is_read_for_each_client(store: Store) -> None:
    for client_id in ("one", "two"):
        await store.calls.write(client_id, [], {OK: 2}, NOW, 0)
    report = await CallReports(store.calls, Clock(NOW)).report(["one", "two", "three"])
    assert report.rows == (CallRow("one", OK, 2), CallRow("two", OK, 2))
    assert len(report.days) == 31
