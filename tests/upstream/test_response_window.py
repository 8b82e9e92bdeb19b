"""What a window of responses says, and what chance may have said."""

from __future__ import annotations

from random import Random

import pytest

from gateway.upstream.response_window import ResponseWindow, ThroughputLoss, median_range


def test_equal_latencies_leave_nothing_to_chance() -> None:
    assert median_range([0.02] * 12) == (0.02, 0.02, 0.02)
    assert median_range([0.02]) == (0.02, 0.02, 0.02)


@pytest.mark.parametrize("count", [12, 30, 500])
def test_the_range_holds_the_true_median_two_times_of_three(count: int) -> None:
    chance = Random(count)  # noqa: S311 (no secret)
    ranges = [median_range([chance.expovariate(1) for _ in range(count)]) for _ in range(1000)]
    held = sum(low <= 0.6931 <= high for low, _, high in ranges)
    assert 600 < held < 900
    assert all(low <= median <= high for low, median, high in ranges)


def test_a_window_knows_rate_and_requests_under_way() -> None:
    window = ResponseWindow(10.0)
    for _ in range(20):
        window.add(0.1)
    assert window.rate(10.5) == 40
    assert window.mean_in_flight(10.5) == pytest.approx(4)
    window.restart(11.0, 3)
    assert (window.responses, window.peak, window.latencies) == (0, 3, [])


def test_latencies_are_kept_up_to_a_bound_and_responses_counted_beyond_it() -> None:
    window = ResponseWindow(0.0)
    for _ in range(1000):
        window.add(0.1)
    assert len(window.latencies) == 500
    assert window.rate(1.0) == 1000


def test_fewer_responses_are_a_loss_once_chance_is_no_reason() -> None:
    loss = ThroughputLoss()
    assert not loss.observe(50, 0.1)
    assert not loss.observe(45, 0.1)  # a tenth less
    found = [loss.observe(25, 0.1) for _ in range(10)]
    assert not found[0]
    assert found[-1]


def test_as_many_responses_are_no_loss_and_a_new_beginning_forgets() -> None:
    loss, chance = ThroughputLoss(), Random(1)  # noqa: S311 (no secret)
    counts = [sum(chance.random() < 0.1 for _ in range(500)) for _ in range(300)]
    assert not any(loss.observe(count, 0.1) for count in counts)
    loss.reset()
    assert not any(loss.observe(5, 0.1) for _ in range(20))
