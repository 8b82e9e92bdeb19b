"""The picture of the first case."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot


def plot(values: Mapping[str, Sequence[float]], title: str, file: Path) -> None:
    """Bars of CPU microseconds a request, medians of the rounds, the cheapest on top."""
    medians = {name: statistics.median(each) for name, each in values.items()}
    names = sorted(medians, key=lambda name: -medians[name])
    figure, axes = pyplot.subplots(figsize=(7, 0.5 * len(names) + 1.2))
    colors = ["#2f6f4f" if name.startswith("Gatepost") else "#9aa5b1" for name in names]
    bars = axes.barh(names, [medians[name] for name in names], color=colors)
    axes.bar_label(bars, fmt="%.0f", padding=4)
    axes.set_xlabel("CPU microseconds per request")
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)
