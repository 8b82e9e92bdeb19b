"""Bar charts as plain numbers, for the templates to draw. Every chart has a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.accounts.call_reports import DAY, CallReport
from gateway.accounts.usage import LATENCIES
from gateway.accounts.usage_reports import Report
from gateway.translation.text import gettext

WIDTH, HEIGHT = 720, 180
FOOT = 22
"""Room for the labels beneath the bars."""
GAP = 0.25
"""The part of a bar's width that stays empty beside it."""
_LABELS = {"hour": "%H:%M", "day": "%H:%M", "month": "%d %b"}
STATUSES = (("good", "2xx"), ("moved", "3xx"), ("wrong", "4xx"), ("failed", "5xx"))
_EVERY = {"hour": 10, "day": 4, "month": 5}


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    """The name of its series, which says its colour and pattern."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture, and the table behind it."""

    id: str
    title: str
    summary: str
    """What the picture shows, in a sentence."""
    series: tuple[tuple[str, str], ...]
    """Name and title of each."""
    bars: tuple[Bar, ...]
    labels: tuple[tuple[float, str], ...]
    top: int
    """What the top line stands for."""
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not self.bars


def stacked(
    name: str,
    title: str,
    series: Sequence[tuple[str, str]],
    columns: Sequence[tuple[str, Sequence[int]]],
    every: int,
) -> Chart:
    """A column for each time or kind, its parts on top of each other."""
    top = max((sum(values) for _, values in columns), default=0)
    step = WIDTH / max(len(columns), 1)
    bars: list[Bar] = []
    for index, (_, values) in enumerate(columns):
        base = float(HEIGHT - FOOT)
        for (kind, _), value in zip(series, values, strict=True):
            height = value / top * (HEIGHT - FOOT - 14) if top else 0.0
            base -= height
            if value:
                bars.append(
                    Bar(
                        round(index * step, 1),
                        round(base, 1),
                        round(step * (1 - GAP), 1),
                        round(height, 1),
                        kind,
                    )
                )
    sums = [sum(values[index] for _, values in columns) for index in range(len(series))]
    summary = (
        ", ".join(f"{number} {head.lower()}" for (_, head), number in zip(series, sums, strict=True)) + "."
    )
    return Chart(
        name,
        title,
        summary,
        tuple(series),
        tuple(bars),
        tuple(
            (round(index * step, 1), label) for index, (label, _) in enumerate(columns) if index % every == 0
        ),
        top,
        tuple(head for _, head in series),
        tuple((label, *map(str, values)) for label, values in columns if any(values)),
    )


def charts(report: Report) -> tuple[Chart, ...]:
    """All pictures of a report."""
    labels = [datetime.fromtimestamp(one.start, UTC).strftime(_LABELS[report.over]) for one in report.slots]
    every = _EVERY[report.over]
    times = zip(labels, report.slots, strict=True)
    calls, tokens, limits = [], [], []
    for label, slot in times:
        calls.append((label, slot.statuses))
        tokens.append((label, slot.tokens))
        limits.append((label, (slot.limits_hit,)))
    kinds = (("good", gettext("Issued")), ("failed", gettext("Refused")))
    bounds = [gettext("up to %(time)s", time=_duration(bound)) for bound in LATENCIES]
    bounds.append(gettext("over %(time)s", time=_duration(LATENCIES[-1])))
    speed = [(bound, (number,)) for bound, number in zip(bounds, report.latencies, strict=True)]
    return (
        stacked("calls", gettext("Calls by status"), STATUSES, calls, every),
        stacked("latency", gettext("Calls by duration"), (("good", gettext("Calls")),), speed, 1),
        stacked("tokens", gettext("Tokens"), kinds, tokens, every),
        stacked("limits", gettext("Limits hit"), (("wrong", gettext("Refused calls")),), limits, every),
    )


def calls_by_day(report: CallReport) -> Chart:
    """The calls of each day by status."""
    columns = [
        (datetime.fromtimestamp(date * DAY, UTC).strftime(_LABELS["month"]), numbers)
        for date, numbers in report.statuses
    ]
    return stacked("days", gettext("Calls by day"), STATUSES, columns, _EVERY["month"])


def _duration(seconds: float) -> str:
    number = f"{seconds:g}" if seconds >= 1 else f"{seconds * 1000:g}"
    return gettext("%(number)s s", number=number) if seconds >= 1 else gettext("%(number)s ms", number=number)
