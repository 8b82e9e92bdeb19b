"""Several workers, one answer."""

from pathlib import Path

from gateway.telemetry import Telemetry
from gateway.telemetry.shared_metrics import retire


def worker(directory: Path, name: str, requests: int) -> Telemetry:
    telemetry = Telemetry()
    telemetry.share(directory, name)
    for _ in range(requests):
        telemetry.request("/orders", "GET", 200, 0.01)
    telemetry.in_flight = 1
    telemetry.publish()
    return telemetry


def requests_seen_by(telemetry: Telemetry) -> float:
    return telemetry.aggregate().counts["requests"]["/orders", "GET", 200]


def test_any_worker_answers_for_all(tmp_path: Path) -> None:
    one, two = worker(tmp_path, "1", 3), worker(tmp_path, "2", 4)
    assert requests_seen_by(one) == requests_seen_by(two) == 7
    assert one.aggregate().in_flight == 2
    assert b"gatepost_workers 2.0" in one.render()[0]


def test_a_worker_knows_its_own_numbers_to_the_moment(tmp_path: Path) -> None:
    one = worker(tmp_path, "1", 3)
    worker(tmp_path, "2", 4)
    one.request("/orders", "GET", 200, 0.01)
    assert requests_seen_by(one) == 8


def test_counts_outlive_the_worker_and_what_was_in_flight_does_not(tmp_path: Path) -> None:
    one = worker(tmp_path, "1", 3)
    for name, requests in (("2", 4), ("3", 5)):
        worker(tmp_path, name, requests)
        retire(tmp_path, name)

    assert requests_seen_by(one) == 12
    assert one.aggregate().in_flight == 1
    assert one.aggregate().workers == 1


def test_a_worker_that_never_published_is_retired_without_a_trace(tmp_path: Path) -> None:
    one = worker(tmp_path, "1", 3)
    retire(tmp_path, "2")
    assert requests_seen_by(one) == 3


def test_a_worker_found_both_retired_and_alive_is_counted_once(tmp_path: Path) -> None:
    # What a reader sees that lists the directory just before the file goes.
    one = worker(tmp_path, "1", 3)
    worker(tmp_path, "2", 4)
    kept = (tmp_path / "2.json").read_text()
    retire(tmp_path, "2")
    (tmp_path / "2.json").write_text(kept)
    assert requests_seen_by(one) == 7


def test_publishing_alone_is_quiet_where_nobody_shares() -> None:
    Telemetry().publish()
