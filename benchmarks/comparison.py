"""What a full run has found in short, kept beside the code, and how the next one differs from it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.samples import Figure, Reading, Sample, Side, ratios

KEPT = Path(__file__).with_name("performance.json")
"""The last full run."""
_NEXT = " | "


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over the rounds, by case and server."""

    heading: str = ""
    """When and where."""
    cpu: dict[str, float] = field(default_factory=dict)
    """Microseconds a request."""
    ratio: dict[str, float] = field(default_factory=dict)
    """To the case's base."""
    figure: dict[str, float] = field(default_factory=dict)
    """What is no load's, in its unit."""


def summary(heading: str, cases: Iterable[Case], readings: Sequence[Reading]) -> Summary:
    """Of a run."""
    found = Summary(heading)
    for case in cases:
        for name in case.contenders:
            own = [
                one.cpu
                for one in readings
                if isinstance(one, Sample) and (one.case, one.contender) == (case.name, name)
            ]
            if own:
                found.cpu[case.name + _NEXT + name] = statistics.median(own)
                to = Side(case.base_case or case.name, case.base)
                if parts := ratios(readings, Side(case.name, name), to):
                    found.ratio[case.name + _NEXT + name] = statistics.median(parts)
    values: dict[str, list[float]] = {}
    for one in readings:
        if isinstance(one, Figure):
            values.setdefault(one.case + _NEXT + one.contender, []).append(one.value)
    found.figure.update({key: statistics.median(each) for key, each in values.items()})
    return found


def read(file: Path = KEPT) -> Summary | None:
    """None before the first run."""
    return Summary(**json.loads(file.read_text())) if file.exists() else None


def write(found: Summary, file: Path = KEPT) -> None:
    """For the next run."""
    rounded = {
        kind: {key: float(f"{value:.4g}") for key, value in each.items()} if isinstance(each, dict) else each
        for kind, each in asdict(found).items()
    }
    file.write_text(json.dumps(rounded, indent=1) + "\n")


def comparison_table(before: Summary | None, now: Summary) -> str:
    """What both runs have measured: how the CPU, its ratio to the base, and the figures have changed."""
    if before is None:
        return ""
    lines = [
        f"Compared with the run before ({before.heading}):",
        "",
        "| what | server | before | now | now to before | ratio to its base before | now |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, unit in (("cpu", " µs"), ("figure", "")):
        old, new = getattr(before, kind), getattr(now, kind)
        for key in (key for key in new if old.get(key)):
            shares = [f"{one.ratio[key]:.2f}" if key in one.ratio else "" for one in (before, now)]
            what, name = key.split(_NEXT)
            cells = [
                what,
                name,
                f"{old[key]:.4g}{unit}",
                f"{new[key]:.4g}{unit}",
                f"{new[key] / old[key]:.2f}",
            ]
            lines.append("| " + " | ".join([*cells, *shares]) + " |")
    return "\n".join(lines) + "\n"
