"""What makes a server unfit, and what should be mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.store import StoreReport
from gateway.store.inspection import ServerFacts

FIT = ServerFacts(
    server="redis",
    version="7.2.4",
    role="master",
    mode="standalone",
    policy="noeviction",
    append_only=True,
    snapshots=True,
    used_memory=1,
    max_memory=0,
    tracking=True,
    clock_difference=0.1,
    median_latency=0.001,
    max_latency=0.002,
    writes=StoreReport(),
)


def test_a_fit_server_has_nothing_to_mend() -> None:
    assert FIT.problems(allow_eviction=False) == []
    assert FIT.warnings(allow_eviction=False) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": "5.0.7"}, "too old"),
        ({"mode": "cluster"}, "member of a cluster"),
        ({"policy": "allkeys-lfu"}, "noeviction"),
        ({"writes": StoreReport(issue_problem="full")}, "full"),
        ({"missing_rights": {"core": ["hget", "set"]}}, "hget, set"),
        ({"missing_rights": {"replicas": ["wait"]}}, "may not run wait"),
    ],
)
def test_problems(change: dict[str, object], problem: str) -> None:
    (found,) = replace(FIT, **change).problems(allow_eviction=False)  # type: ignore[arg-type]  # by name
    assert problem in found


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"tracking": False}, "no caches"),
        ({"policy": "volatile-lru"}, "noeviction"),
        ({"append_only": False}, "appendonly"),
        ({"used_memory": 95, "max_memory": 100}, "nearly full"),
        ({"clock_difference": -3.0}, "3.0 s"),
        ({"median_latency": 0.05}, "50 ms"),
        ({"missing_rights": {"limits": ["zadd"]}}, "limits: the user may not run zadd"),
    ],
)
def test_warnings(change: dict[str, object], warning: str) -> None:
    server = replace(FIT, **change)  # type: ignore[arg-type]  # by name
    assert server.problems(allow_eviction=False) == []
    (found,) = server.warnings(allow_eviction=False)
    assert warning in found


def test_a_member_of_a_cluster_is_fit_where_a_cluster_was_asked_for() -> None:
    assert replace(FIT, mode="cluster", is_cluster=True).problems(allow_eviction=False) == []


def test_a_server_that_tells_nothing_is_no_problem_by_that() -> None:
    told = {"policy": None, "append_only": None, "snapshots": None, "used_memory": None, "max_memory": None}
    silent = replace(FIT, version="unknown", **told)
    assert silent.problems(allow_eviction=False) == silent.warnings(allow_eviction=False) == []
