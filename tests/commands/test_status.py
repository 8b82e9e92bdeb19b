"""The words of `gatepost status` and the numbers of `gatepost top`."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.commands.status import duration, lines
from gateway.commands.tables import table
from gateway.commands.top import rates


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59.9, "59s"), (61, "1m 1s"), (3600, "1h 0m"), (90061, "1d 1h"), (86400 * 40, "40d 0h")],
)
def test_durations_have_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def document(**members: Any) -> dict[str, Any]:
    return {
        "version": "1",
        "pid": 7,
        "uptime_seconds": 61,
        "configuration": {"file": "gateway.yaml", "hash": "abc", "age_seconds": 5},
        "last_reload": None,
        "lost_log_lines": 0,
        "workers": [],
        "upstreams": {},
        **members,
    }


@pytest.mark.parametrize(
    ("compiled", "shown"),
    [(True, "version        1 (compiled), up 1m 1s"), (False, "version        1, up 1m 1s")],
)
def test_the_compiled_edition_is_told_from_the_other(compiled: bool, shown: str) -> None:
    assert next(lines(document(compiled=compiled))).startswith(shown)


def test_a_failed_reload_is_shown_with_its_first_problem() -> None:
    report = {"number": 2, "time": 0, "ok": False, "problems": ["gateway.yaml:1:1: x: unknown key", "more"]}
    shown = "\n".join(lines(document(last_reload=report)))
    assert "failed at 1970-01-01 00:00:00 UTC: gateway.yaml:1:1: x: unknown key" in shown


def test_what_waits_for_a_restart_is_shown() -> None:
    report = {"time": 0, "ok": True, "changes": ["a", "b"], "needs_restart": ["server.state_dir"]}
    shown = "\n".join(lines(document(last_reload=report)))
    assert "2 changes; needs a restart: server.state_dir" in shown


def test_an_open_breaker_and_a_lost_store_are_shown() -> None:
    worker = {
        "pid": 8, "connections": 1, "requests_in_flight": 2, "memory_bytes": 3 << 20, "cpu_seconds": 1,
        "open_files": None, "max_open_files": 9, "store_connected": False, "cached_tokens": 4,
    }  # fmt: skip
    server = {
        "server": "http://a",
        "healthy": False,
        "breaker": "open",
        "requests_in_flight": 0,
        "connections": 0,
    }
    shown = list(lines(document(workers=[worker], upstreams={"orders": [server]})))
    assert "8       1            2          3 MiB   1.0 s  -           not connected  4" in shown
    assert shown[-1].split() == ["orders", "http://a", "unhealthy", "open", "0", "0"]


def test_columns_are_aligned_and_control_characters_escaped() -> None:
    assert list(table(("A", "LONG"), [("wide value", "x\x1b[2J")])) == [
        "A           LONG",
        r"wide value  x\x1b[2J",
    ]


def counts(total: float, errors: float, seconds: float) -> dict[str, float]:
    return {"total": total, "4xx": 0, "5xx": errors, "seconds": seconds}


def test_rates_are_of_the_interval_busiest_first() -> None:
    before = {"requests": {"/a": counts(10, 0, 1), "/b": counts(10, 0, 1)}}
    now = {"requests": {"/a": counts(12, 0, 1.5), "/b": counts(110, 10, 2), "/new": counts(0, 0, 0)}}
    busiest, quiet, new = rates(before, now, 2)
    assert busiest == {
        "route": "/b", "per_second": 50.0, "4xx_per_second": 0.0, "5xx_per_second": 5.0, "mean_ms": 10.0,
        "total": 110,
    }  # fmt: skip
    assert (quiet["route"], quiet["mean_ms"]) == ("/a", 250.0)
    assert (new["route"], new["per_second"], new["mean_ms"]) == ("/new", 0.0, None)
