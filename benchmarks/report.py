"""The table: medians over the rounds; a ratio is taken within a round first."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cases import Case

HEAD = "| case | server | CPU µs a request | ratio | requests/s | p50 ms | p99 ms | memory MiB |"
RULE = "|---|---|---|---|---|---|---|---|"


@dataclass(slots=True)
class Sample:
    """One contender in one case in one round."""

    case: str
    contender: str
    round: int
    cpu: float
    """Microseconds of CPU a request."""
    rate: float
    p50: float
    p99: float
    memory: float
    wrong: int


def markdown(cases: Sequence[Case], samples: Sequence[Sample], heading: str) -> str:
    """The whole table under a line that says when, where and how."""
    lines = [heading, "", HEAD, RULE]
    for case in cases:
        for name in case.contenders:
            own = [one for one in samples if one.case == case.name and one.contender == name]
            if own:
                lines.append(_row(case, name, own, samples))
    return "\n".join(lines) + "\n"


def _row(case: Case, name: str, own: Sequence[Sample], samples: Sequence[Sample]) -> str:
    ratio = _ratio(case, own, samples)
    wrong = sum(one.wrong for one in own)
    values = [
        case.name,
        name if not wrong else f"{name} ({wrong} wrong answers)",
        f"{_median(one.cpu for one in own):.1f}",
        "" if ratio is None else f"{ratio:.2f} × {case.base}",
        f"{_median(one.rate for one in own):,.0f}",
        f"{_median(one.p50 for one in own) * 1e3:.2f}",
        f"{_median(one.p99 for one in own) * 1e3:.2f}",
        f"{_median(one.memory for one in own):.0f}",
    ]
    return "| " + " | ".join(values) + " |"


def _ratio(case: Case, own: Sequence[Sample], samples: Sequence[Sample]) -> float | None:
    where = case.base_case or case.name
    base = {one.round: one.cpu for one in samples if one.case == where and one.contender == case.base}
    ratios = [one.cpu / base[one.round] for one in own if one.round in base]
    return _median(ratios) if ratios else None


def _median(values: object) -> float:
    return statistics.median(values)  # type: ignore[arg-type]  # an iterable of numbers
