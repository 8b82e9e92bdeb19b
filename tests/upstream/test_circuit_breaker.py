"""A server that keeps failing gets a rest."""

from __future__ import annotations

from gateway.upstream.circuit_breaker import BreakerState, CircuitBreaker
from tests.upstream.defaults import breaker_of


def make(failures: int = 3) -> CircuitBreaker:
    return CircuitBreaker(breaker_of(failures=failures, open_for=10.0))


def opened(at: float = 100.0) -> CircuitBreaker:
    breaker = make(failures=1)
    assert breaker.failed(at)
    return breaker


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = make()
    assert [breaker.failed(0.0), breaker.failed(0.0)] == [False, False]
    assert breaker.allows(0.0)
    assert breaker.failed(0.0)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.allows(0.0)


def test_a_success_between_starts_the_count_again() -> None:
    breaker = make()
    for _ in range(5):
        breaker.failed(0.0)
        breaker.failed(0.0)
        assert not breaker.calm
        assert not breaker.succeeded()
        assert breaker.calm
    assert breaker.state is BreakerState.CLOSED


def test_it_rests_for_its_time() -> None:
    breaker = opened(at=100.0)
    assert breaker.retry_after(100.0) == 10.0
    assert not breaker.allows(109.9)
    assert breaker.allows(110.0)
    assert breaker.retry_after(111.0) == 0.0


def test_then_one_request_decides() -> None:
    breaker = opened(at=100.0)
    assert breaker.enter()
    assert breaker.state.value == "half_open"
    assert not breaker.allows(110.0)
    assert breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.allows(110.0)


def test_if_it_fails_the_rest_begins_anew() -> None:
    breaker = opened(at=100.0)
    breaker.enter()
    assert breaker.failed(111.0)
    assert not breaker.allows(120.9)
    assert breaker.allows(121.0)


def test_if_it_has_no_outcome_another_may() -> None:
    breaker = opened(at=100.0)
    breaker.enter()
    breaker.leave()
    assert breaker.allows(110.0)


def test_what_was_sent_before_does_not_count_while_it_rests() -> None:
    breaker = opened(at=100.0)
    assert not breaker.succeeded()
    assert not breaker.failed(105.0)
    assert breaker.state is BreakerState.OPEN
    assert breaker.allows(110.0)


def test_a_closed_one_asks_nothing() -> None:
    breaker = make()
    assert not breaker.enter()
    assert breaker.retry_after(0.0) == 0.0
