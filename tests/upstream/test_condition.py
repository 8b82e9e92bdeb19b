"""How a server does, as far as is known."""

from __future__ import annotations

import pytest

from gateway.upstream.condition import Condition
from gateway.upstream.settings import BreakerSettings, HealthSettings

HEALTH = HealthSettings(unhealthy_after=2, healthy_after=2)


def make(health: HealthSettings | None = HEALTH, slow_start: float = 10.0) -> Condition:
    return Condition(4, BreakerSettings(failures=2, open_for=5.0), health=health, slow_start=slow_start)


def sick() -> Condition:
    condition = make()
    condition.questioned(well=False, now=0.0)
    condition.questioned(well=False, now=0.0)
    return condition


def test_a_server_is_well_until_it_is_known_not_to_be() -> None:
    condition = make()
    assert condition.available(0.0)
    assert not condition.questioned(well=False, now=0.0)
    assert condition.available(0.0)
    assert condition.questioned(well=False, now=0.0)
    assert not condition.available(0.0)


def test_a_good_answer_between_starts_the_count_again() -> None:
    condition = make()
    for well in (False, True, False, True, False):
        assert not condition.questioned(well=well, now=0.0)


def test_it_is_well_again_after_good_answers() -> None:
    condition = sick()
    assert not condition.questioned(well=True, now=50.0)
    assert condition.questioned(well=True, now=50.0)
    assert condition.available(50.0)


def test_a_connection_that_can_not_be_made_is_a_bad_answer() -> None:
    condition = make()
    assert not condition.unreachable()
    assert condition.unreachable()
    assert not condition.healthy


def test_who_is_never_asked_is_judged_by_the_breaker_alone() -> None:
    condition = make(health=None)
    for _ in range(5):
        assert not condition.unreachable()
        assert not condition.questioned(well=False, now=0.0)
    assert condition.available(0.0)
    assert [condition.failed(0.0), condition.failed(0.0)] == [False, True]
    assert not condition.available(4.9)
    assert condition.available(5.0)


def test_the_full_share_comes_back_slowly() -> None:
    condition = sick()
    condition.questioned(well=True, now=100.0)
    condition.questioned(well=True, now=100.0)
    shares = []
    for now in (100.0, 105.0, 110.0):
        condition.warm_up(now)
        shares.append(condition.share)
    assert shares == pytest.approx([0.4, 2.0, 4.0])
    assert not condition.warming


def test_also_after_the_breakers_rest() -> None:
    condition = make(health=None)
    condition.failed(0.0)
    condition.failed(0.0)
    condition.breaker.enter()
    assert condition.answered(6.0)
    assert condition.warming
    assert condition.share == pytest.approx(0.4)


def test_or_at_once_if_so_wished() -> None:
    condition = make(slow_start=0.0)
    for well in (False, False, True, True):
        condition.questioned(well=well, now=0.0)
    condition.warm_up(0.0)
    assert condition.share == 4.0


def test_an_answer_in_good_times_changes_nothing() -> None:
    assert not make().answered(0.0)
