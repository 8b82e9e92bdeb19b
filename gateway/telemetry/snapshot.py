"""Metrics at one moment, as a plain value that can be merged and serialized."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Labels = tuple[str | int, ...]
"""Label values, in the order in which the family names its labels."""

Timings = dict[Labels, list[float]]
"""Histogram per label set: a count per bucket (not cumulative), one for +Inf, and the sum in seconds."""

BUCKETS = {
    "request_duration": (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    "store_duration": (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0),
}
"""Histogram bucket bounds of each family, in seconds."""

Gauges = dict[str, dict[Labels, float]]
"""Gauge values by family and label set."""

ProcessInfo = dict[str, Any]
"""Facts about one process that are shown and not summed, by name; plain JSON values."""

GAUGE_MERGE: dict[str, Callable[[float, float], float]] = {
    "acme_failures": max,
    "certificate_expiry": min,
    "certificate_rejected": max,
    "edge_up": min,
    "edge_restarts": max,
    "notices_waiting": max,
    "notice_failures": max,
    "store_can_issue": min,
    "store_can_revoke": min,
    "store_evicts": max,
    "revocation_seen": max,
    "store_clock_difference": lambda one, other: max(one, other, key=abs),
    "event_loop_delay": max,
    "upstream_healthy": min,
    "upstream_breaker_open": max,
    "upstream_in_flight": operator.add,
    "upstream_connections": operator.add,
    "upstream_concurrency_limit": operator.add,
}
"""How the gauges of two workers are merged. Health is per worker: the worst value is reported."""

Cell = TypeVar("Cell")


@dataclass(slots=True)
class Snapshot:
    """The metrics of one process, or the sum of several."""

    in_flight: int = 0
    workers: int = 0
    counts: dict[str, dict[Labels, float]] = field(default_factory=dict)
    timings: dict[str, Timings] = field(default_factory=dict)
    gauges: Gauges = field(default_factory=dict)
    processes: list[ProcessInfo] = field(default_factory=list)
    """Each process by itself, for `/status`."""

    def add(self, other: Snapshot) -> None:
        """Merges another process's metrics into this snapshot."""
        self.in_flight += other.in_flight
        self.workers += other.workers
        for name, family in other.counts.items():
            mine = self.counts.setdefault(name, {})
            for labels, number in family.items():
                mine[labels] = mine.get(labels, 0) + number
        for name, timings in other.timings.items():
            add_timings(self.timings.setdefault(name, {}), timings)
        self.processes += other.processes
        for name, family in other.gauges.items():
            _merge_gauges(self.gauges.setdefault(name, {}), family, GAUGE_MERGE[name])

    def retired(self) -> Snapshot:
        """The counters and histograms only, for a process that has exited."""
        return Snapshot(counts=self.counts, timings=self.timings)

    def to_json(self) -> str:
        """Serializes to one line of JSON."""
        return json.dumps(
            {
                "in_flight": self.in_flight,
                "workers": self.workers,
                "counts": {name: list(family.items()) for name, family in self.counts.items()},
                "timings": {name: list(family.items()) for name, family in self.timings.items()},
                "gauges": {name: list(family.items()) for name, family in self.gauges.items()},
                "processes": self.processes,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """Parses the output of `to_json`. ValueError if it is malformed."""
        value = json.loads(text)
        return cls(
            in_flight=value["in_flight"],
            workers=value["workers"],
            counts={name: _by_labels(items) for name, items in value["counts"].items()},
            timings={name: _by_labels(items) for name, items in value["timings"].items()},
            gauges={name: _by_labels(items) for name, items in value["gauges"].items()},
            processes=value["processes"],
        )


def add_timings(mine: Timings, theirs: Timings) -> None:
    """Adds the histograms of `theirs` to `mine`."""
    for labels, cells in theirs.items():
        known = mine.get(labels)
        mine[labels] = list(cells) if known is None else [a + b for a, b in zip(known, cells, strict=True)]


def _merge_gauges(
    mine: dict[Labels, float], theirs: dict[Labels, float], merge: Callable[[float, float], float]
) -> None:
    for labels, number in theirs.items():
        mine[labels] = merge(mine[labels], number) if labels in mine else number


def _by_labels(items: Iterable[tuple[list[str | int], Cell]]) -> dict[Labels, Cell]:
    return {tuple(labels): cell for labels, cell in items}
