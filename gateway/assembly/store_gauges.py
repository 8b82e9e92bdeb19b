"""Gauges of what the store can do for this worker."""

from __future__ import annotations

from collections.abc import Callable

from gateway.store import Store
from gateway.telemetry.snapshot import Gauges


def store_gauges(store: Store) -> Callable[[], Gauges]:
    """Returns a function that reads the gauges at each metrics scrape."""

    def read() -> Gauges:
        report = store.health.report
        return {
            "store_can_issue": {(): float(report.issue_problem is None)},
            "store_can_revoke": {(): float(report.revoke_problem is None)},
            "store_evicts": {(): float(store.server.evicts)},
            "revocation_seen": {(): store.probe.seen_seconds},
            "store_clock_difference": {(): store.server.clock_difference},
        }

    return read
