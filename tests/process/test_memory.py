"""What the garbage collector has to do once the gateway serves."""

import gc
from collections.abc import Iterator

import pytest

from gateway.process.memory import YOUNG, settle


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_what_was_loaded_is_not_looked_at_again() -> None:
    kept: list[object] = [[]]
    settle()
    assert gc.get_freeze_count() > len(kept)
    assert not any(found is kept for found in gc.get_objects())


def test_the_collector_does_not_look_at_every_few_requests() -> None:
    settle()
    assert gc.get_threshold()[0] == YOUNG
