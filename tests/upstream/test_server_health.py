"""How a server does, as far as is known."""

from __future__ import annotations

import pytest

from gateway.upstream.server_health import ServerHealth
from gateway.upstream.settings import HealthSettings
from tests.upstream.defaults import breaker_of, health_of

HEALTH = health_of(unhealthy_after=2, healthy_after=2)


def make(health: HealthSettings | None = HEALTH, slow_start: float = 10.0) -> ServerHealth:
    return ServerHealth(4, breaker_of(failures=2, open_for=5.0), health=health, slow_start=slow_start)


def sick() -> ServerHealth:
    health = make()
    health.on_health_check(passed=False, now=0.0)
    health.on_health_check(passed=False, now=0.0)
    return health


def test_a_server_is_well_until_it_is_known_not_to_be() -> None:
    health = make()
    assert health.available(0.0)
    assert not health.on_health_check(passed=False, now=0.0)
    assert health.available(0.0)
    assert health.on_health_check(passed=False, now=0.0)
    assert not health.available(0.0)


def test_a_good_answer_between_starts_the_count_again() -> None:
    health = make()
    for well in (False, True, False, True, False):
        assert not health.on_health_check(passed=well, now=0.0)


def test_it_is_well_again_after_good_answers() -> None:
    health = sick()
    assert not health.on_health_check(passed=True, now=50.0)
    assert health.on_health_check(passed=True, now=50.0)
    assert health.available(50.0)


def test_a_connection_that_can_not_be_made_is_a_bad_answer() -> None:
    health = make()
    assert not health.on_connect_error()
    assert health.on_connect_error()
    assert not health.healthy


def test_who_is_never_asked_is_judged_by_the_breaker_alone() -> None:
    health = make(health=None)
    for _ in range(5):
        assert not health.on_connect_error()
        assert not health.on_health_check(passed=False, now=0.0)
    assert health.available(0.0)
    assert [health.failed(0.0), health.failed(0.0)] == [False, True]
    assert not health.available(4.9)
    assert health.available(5.0)


def test_the_full_share_comes_back_slowly() -> None:
    health = sick()
    health.on_health_check(passed=True, now=100.0)
    health.on_health_check(passed=True, now=100.0)
    shares = []
    for now in (100.0, 105.0, 110.0):
        health.update_share(now)
        shares.append(health.share)
    assert shares == pytest.approx([0.4, 2.0, 4.0])
    assert not health.in_slow_start


def test_also_after_the_breakers_rest() -> None:
    health = make(health=None)
    health.failed(0.0)
    health.failed(0.0)
    health.breaker.enter()
    assert health.answered(6.0)
    assert health.in_slow_start
    assert health.share == pytest.approx(0.4)


def test_or_at_once_if_so_wished() -> None:
    health = make(slow_start=0.0)
    for well in (False, False, True, True):
        health.on_health_check(passed=well, now=0.0)
    health.update_share(0.0)
    assert health.share == 4.0


def test_an_answer_in_good_times_changes_nothing() -> None:
    assert not make().answered(0.0)
