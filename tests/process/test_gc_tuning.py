"""What the garbage collector has to do once the gateway serves."""

import gc
import sys
from collections.abc import Iterator

import pytest

from gateway.process.gc_tuning import GEN0_THRESHOLD, SWITCH_INTERVAL, beside_requests, freeze_gc


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.freeze()  # as the suite has it
    gc.set_threshold(*threshold)


def test_what_was_loaded_is_not_looked_at_again() -> None:
    kept: list[object] = [[]]
    freeze_gc()
    assert gc.get_freeze_count() > len(kept)
    assert not any(found is kept for found in gc.get_objects())


def test_the_collector_does_not_look_at_every_few_requests() -> None:
    freeze_gc()
    assert gc.get_threshold()[0] == GEN0_THRESHOLD


def test_a_reload_neither_collects_nor_keeps_the_event_loop_waiting_for_long() -> None:
    interval = sys.getswitchinterval()
    with beside_requests():
        assert not gc.isenabled()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
    assert gc.isenabled()
    assert sys.getswitchinterval() == interval
