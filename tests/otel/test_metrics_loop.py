"""One of several workers exports the metrics."""

from __future__ import annotations

from pathlib import Path

from gateway.otel.metrics_loop import Leadership


def test_one_leads_until_it_gives_up(tmp_path: Path) -> None:
    first, second = Leadership(tmp_path), Leadership(tmp_path)
    assert first.take()
    assert first.take()
    assert not second.take()
    first.give_up()
    assert second.take()
    assert not first.take()
    second.give_up()


def test_a_single_worker_always_leads() -> None:
    assert Leadership(None).take()
