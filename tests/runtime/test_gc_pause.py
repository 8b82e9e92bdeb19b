"""Garbage collection pauses, and goes on as before."""

import gc

import pytest

from gateway.runtime.gc_pause import paused_gc


@pytest.mark.parametrize("before", [True, False])
def test_it_is_afterwards_as_it_was_before(before: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(gc, "isenabled", lambda: before)
    monkeypatch.setattr(gc, "disable", lambda: calls.append("disable"))
    monkeypatch.setattr(gc, "enable", lambda: calls.append("enable"))
    with pytest.raises(ValueError, match="a failure"), paused_gc():
        raise ValueError("a failure")
    assert calls == ["disable", *(["enable"] if before else [])]
