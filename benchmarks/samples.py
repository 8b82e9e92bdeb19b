"""What was measured, and how it is found again."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender under one load in one round."""

    case: str
    contender: str
    round: int
    cpu: float
    """Microseconds of CPU a request, of all the contender's processes. Its store counts apart."""
    rate: float
    """Requests a second."""
    p50: float
    """Seconds."""
    p99: float
    memory: float
    """MiB of resident memory of its processes, without the store."""
    busy: float
    """The share of the contender's cores that it and a store on the same cores used."""
    disturbed: float = 0.0
    """The share of its cores that others used."""
    store_cpu: float | None = None
    """Microseconds of the store's CPU a request; None where there is no store."""
    store_commands: float | None = None
    """Commands that the store was given, a request."""
    wrong: int = 0
    """Answers with another status than the right one, broken connections, time-outs."""
    kinds: str = ""
    """Which of them how often."""
    own_core: bool = True
    """Whether the load left it a core of its own."""
    paced: bool = False
    """Whether the load came at a rate of its own, whatever the contender could do."""
    p999: float | None = None
    """Seconds, where each request is measured from the moment at which it was due."""
    late: float | None = None
    """By how many seconds the load itself kept requests back: the 99th percentile, where that is known."""
    late_most: float | None = None
    """The same, the 99.9th percentile."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is no load's: a time, a size."""

    case: str
    contender: str
    round: int
    value: float
    unit: str


Reading = Sample | Figure


@dataclass(frozen=True, slots=True)
class Side:
    """Where a number stands."""

    case: str
    contender: str
    quantity: str = "cpu"
    """An attribute of Sample or Figure."""


def by_round(readings: Iterable[Reading], side: Side) -> dict[int, float]:
    """Its value in each round; the median, where there are more in a round."""
    found: dict[int, list[float]] = {}
    for one in readings:
        if one.case == side.case and one.contender == side.contender:
            found.setdefault(one.round, []).append(getattr(one, side.quantity))
    return {number: statistics.median(values) for number, values in found.items()}


def ratios(readings: Iterable[Reading], of: Side, to: Side) -> list[float]:
    """One number to another, within each round that has both."""
    readings = list(readings)
    above, below = by_round(readings, of), by_round(readings, to)
    return [above[number] / below[number] for number in above if below.get(number)]
