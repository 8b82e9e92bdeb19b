"""The time for which a thread waits for a CPU."""

from __future__ import annotations

import pytest

from gateway.runtime import cpu_wait
from gateway.runtime.cpu_wait import CpuWait


def test_it_never_goes_back_and_is_nothing_once_closed() -> None:
    waited = CpuWait()
    first = waited.seconds()
    assert 0.0 <= first <= waited.seconds()
    waited.close()
    waited.close()
    assert waited.seconds() == 0.0


@pytest.mark.parametrize("file", ["/nowhere", "/proc/self/comm"])
def test_a_system_that_does_not_tell_is_taken_for_idle(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_wait, "_FILE", file)
    waited = CpuWait()
    assert waited.seconds() == 0.0
    waited.close()
