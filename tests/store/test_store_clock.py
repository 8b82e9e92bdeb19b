"""The store's time, kept by a clock that nobody steps."""

import time

import pytest

from gateway.store.store_clock import StoreClock
from tests.conftest import Valkey
from tests.services import Clock
from tests.store.stage import linked


def test_before_the_store_has_answered_this_machines_clock_counts() -> None:
    assert StoreClock(Clock(5.0), Clock(0.0))() == 5.0
    assert StoreClock(Clock(5.0), Clock(0.0)).difference == 0.0


def test_it_goes_on_by_the_monotonic_clock_whatever_this_machines_clock_does() -> None:
    local, monotonic = Clock(1000.0), Clock(70.0)
    clock = StoreClock(local, monotonic)
    monotonic.now = 70.5
    clock.learn([b"2000", b"250000"], 70.0)
    assert clock() == pytest.approx(2000.5)  # the answer was half way between 70.0 and 70.5
    local.now = 0.0
    monotonic.now += 10
    assert clock() == pytest.approx(2010.5)
    assert clock.difference == pytest.approx(-2010.5)


async def test_a_link_learns_it_before_anything_else(valkey: Valkey) -> None:
    async with linked(valkey.url) as link:
        link.clock._local = lambda: 0.0
        assert abs(link.clock() - time.time()) < 2
