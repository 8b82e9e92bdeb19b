"""The gauges that say what the store takes."""

from types import SimpleNamespace
from typing import cast

from gateway.assembly.store_gauges import store_gauges
from gateway.store import Store, StoreReport


def test_the_gauges_follow_the_report() -> None:
    health = SimpleNamespace(report=StoreReport(None, None))
    server = SimpleNamespace(clock_difference=-3.5, evicts=True)
    probe = SimpleNamespace(seen_seconds=0.002)
    read = store_gauges(cast("Store", SimpleNamespace(health=health, server=server, probe=probe)))
    assert read() == {
        "store_can_issue": {(): 1.0},
        "store_can_revoke": {(): 1.0},
        "store_evicts": {(): 1.0},
        "revocation_seen": {(): 0.002},
        "store_clock_difference": {(): -3.5},
    }
    health.report = StoreReport("its memory is full", None)
    assert (read()["store_can_issue"], read()["store_can_revoke"]) == ({(): 0.0}, {(): 1.0})
