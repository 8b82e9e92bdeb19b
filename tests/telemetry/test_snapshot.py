"""Snapshots add up and survive being written down."""

from copy import deepcopy

from gateway.telemetry import Telemetry
from gateway.telemetry.snapshot import Snapshot


def counted() -> Snapshot:
    telemetry = Telemetry()
    telemetry.request("/ä \n", "GET", 200, 0.3)
    telemetry.store_call("get", "ok", 0.002)
    telemetry.in_flight = 2
    return telemetry.snapshot()


def test_what_is_written_down_is_read_back_whole() -> None:
    written = counted()
    assert Snapshot.from_json(written.to_json()) == written
    assert "\n" not in written.to_json()


def test_two_processes_add_up() -> None:
    total = counted()
    total.add(counted())
    assert total.in_flight == 4
    assert total.workers == 2
    assert total.counts["requests"]["/ä \n", "GET", 200] == 2
    assert total.timings["request_duration"]["/ä \n",][-1] == 0.6


def test_adding_leaves_the_other_as_it_was() -> None:
    total, other = Snapshot(), counted()
    before = deepcopy(other)
    total.add(other)
    total.add(other)
    assert other == before


def test_an_ended_process_has_nothing_in_flight_but_keeps_its_counts() -> None:
    retired = counted().retired()
    assert (retired.in_flight, retired.workers) == (0, 0)
    assert retired.counts == counted().counts


def doing(healthy: float, in_flight: float) -> Snapshot:
    labels = ("orders", "http://a")
    return Snapshot(gauges={"upstream_healthy": {labels: healthy}, "upstream_in_flight": {labels: in_flight}})


def test_of_what_processes_see_for_themselves_the_worst_is_reported() -> None:
    total = doing(1, 2)
    total.add(doing(0, 3))
    total.add(doing(1, 0))
    assert total == doing(0, 5)
    assert Snapshot.from_json(total.to_json()) == total
    assert total.retired().gauges == {}
