"""All counts at one moment, as a plain value that can be added up and written down."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

Labels = tuple[str | int, ...]
"""Label values, in the order in which the family names its labels."""

Timings = dict[Labels, list[float]]
"""For each label set: a count for each bucket (not added up), one for what is over all, and the sum."""

BUCKETS = {
    "request_duration": (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    "store_duration": (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0),
}
"""The upper bounds of each family of timings, in seconds."""

Gauges = dict[str, dict[Labels, float]]
"""What is so at the moment, by family."""

JOINED: dict[str, Callable[[float, float], float]] = {
    "upstream_healthy": min,
    "upstream_breaker_open": max,
    "upstream_in_flight": operator.add,
    "upstream_connections": operator.add,
}
"""How the gauges of two processes become one: of what each sees for itself, the worst is told."""

Cell = TypeVar("Cell")


@dataclass(slots=True)
class Snapshot:
    """What one process, or several together, had counted."""

    in_flight: int = 0
    workers: int = 0
    counts: dict[str, dict[Labels, float]] = field(default_factory=dict)
    timings: dict[str, Timings] = field(default_factory=dict)
    gauges: Gauges = field(default_factory=dict)

    def add(self, other: Snapshot) -> None:
        """Adds another process's counts to these."""
        self.in_flight += other.in_flight
        self.workers += other.workers
        for name, family in other.counts.items():
            mine = self.counts.setdefault(name, {})
            for labels, number in family.items():
                mine[labels] = mine.get(labels, 0) + number
        for name, timings in other.timings.items():
            add_timings(self.timings.setdefault(name, {}), timings)
        for name, family in other.gauges.items():
            _join(self.gauges.setdefault(name, {}), family, JOINED[name])

    def retired(self) -> Snapshot:
        """The same counts, of a process that is no more: nothing is in flight there."""
        return Snapshot(counts=self.counts, timings=self.timings)

    def to_json(self) -> str:
        """One line, for `from_json`."""
        return json.dumps(
            {
                "in_flight": self.in_flight,
                "workers": self.workers,
                "counts": {name: list(family.items()) for name, family in self.counts.items()},
                "timings": {name: list(family.items()) for name, family in self.timings.items()},
                "gauges": {name: list(family.items()) for name, family in self.gauges.items()},
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """What `to_json` wrote; ValueError where it is not that."""
        value = json.loads(text)
        return cls(
            in_flight=value["in_flight"],
            workers=value["workers"],
            counts={name: _by_labels(items) for name, items in value["counts"].items()},
            timings={name: _by_labels(items) for name, items in value["timings"].items()},
            gauges={name: _by_labels(items) for name, items in value["gauges"].items()},
        )


def add_timings(mine: Timings, theirs: Timings) -> None:
    """Adds what `theirs` has counted to `mine`."""
    for labels, cells in theirs.items():
        known = mine.get(labels)
        mine[labels] = list(cells) if known is None else [a + b for a, b in zip(known, cells, strict=True)]


def _join(
    mine: dict[Labels, float], theirs: dict[Labels, float], joined: Callable[[float, float], float]
) -> None:
    for labels, number in theirs.items():
        mine[labels] = joined(mine[labels], number) if labels in mine else number


def _by_labels(items: Iterable[tuple[list[str | int], Cell]]) -> dict[Labels, Cell]:
    return {tuple(labels): cell for labels, cell in items}
