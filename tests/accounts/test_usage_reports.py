"""Reports: what several clients have done, together."""

from __future__ import annotations

from gateway.accounts.usage_reports import UsageReports
from gateway.store import Store
from tests.services import Clock

NOW = 1_800_000_000


async def test_clients_are_added_up(store: Store) -> None:
    await store.usage.add("c1", [1, 0, 2, 3, 4, 5, 0, 0, 0, 1, 6, 7], NOW)
    await store.usage.add("c2", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], NOW - 60)
    await store.registered_users.note("c1", "ada")
    await store.registered_users.note("c2", "bob")
    report = await UsageReports(store.usage, store.registered_users, Clock(NOW)).report(("c1", "c2"), "hour")
    assert (len(report.slots), report.slots[-1].start) == (60, NOW // 60 * 60)
    assert report.slots[-1].statuses == (1, 0, 2, 3)
    assert report.total.statuses == (2, 0, 2, 3)
    assert (report.limits_hit, report.latencies, report.total.tokens) == (4, (6, 0, 0, 0, 1), (6, 7))
    assert report.registered_users == 2


async def test_nobody_has_done_nothing(store: Store) -> None:
    report = await UsageReports(store.usage, store.registered_users, Clock(NOW)).report((), "month")
    assert (len(report.slots), sum(report.total.cells), report.registered_users) == (31, 0, 0)
