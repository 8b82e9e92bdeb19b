"""`python -m benchmarks`: runs the cases round by round, and writes tables and a plot into the documentation.

They are written after each case, so that a run that is cut short has a page, too.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import comparison
from benchmarks.bench import Bench
from benchmarks.cases import CASES, Case
from benchmarks.figures import QUESTIONS, Question
from benchmarks.machine import shape
from benchmarks.names import GATEPOST
from benchmarks.page import filled
from benchmarks.report import Readings, cases_table, figures_table, headline, targets_table
from benchmarks.samples import Side, by_round
from benchmarks.stand import Stand
from benchmarks.targets import TARGETS

KEPT = Path(".bench/performance.json")
BESIDE = 1.5
"""Seconds that a load takes beside its own."""


def main() -> None:
    """Reads the options, runs, and writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="about a minute: the main cases, one round; writes nothing"
    )
    parser.add_argument("--case", default="", help="only what has this in its name; writes nothing")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=3, help="of load for each contender, case and round")
    parser.add_argument(
        "--into", type=Path, default=Path(), help="the project's folder: its pages get the tables"
    )
    parser.add_argument("--node-modules", type=Path, default=Path(".bench/node_modules"))
    options = parser.parse_args()
    cases = [one for one in CASES if (one.quick or not options.quick) and options.case in one.name]
    questions = [one for one in QUESTIONS if not options.quick and options.case in one.name]
    rounds, seconds = (1, 2) if options.quick else (options.rounds, options.seconds)
    wanted = [name for case in cases for name in case.contenders]
    if any(case.pace for case in cases):
        wanted.append(GATEPOST)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Stand(Path(folder), options.node_modules.resolve(), wanted) as stand,
    ):
        for name, reason in stand.missing.items():
            print(f"left out: {name}: {reason}")
        print(f"about {minutes(cases, questions, rounds, seconds):.0f} minutes", flush=True)
        page = Page(options.into, cases, f"{rounds} × {seconds} s each")
        wanted_page = not options.quick and not options.case
        bench = Bench(stand, seconds, page.write if wanted_page else None)
        for number in range(rounds):
            bench.round(number, cases, questions)
    print(page.tables(bench.readings))
    if wanted_page:
        page.finish(bench.readings)


def minutes(cases: Sequence[Case], questions: Sequence[Question], rounds: int, seconds: float) -> float:
    """How long it takes, about."""
    loads = sum(len(case.contenders) * (case.warm_up + seconds + BESIDE) for case in cases)
    asked = sum(question.seconds / (rounds if question.once else 1) for question in questions)
    return rounds * (loads + asked) / 60


class Page:
    """What is written."""

    def __init__(self, project: Path, cases: Sequence[Case], how: str) -> None:
        self._project, self._cases, self._how = project, cases, how
        self._before = comparison.read()

    def tables(self, readings: Readings) -> str:
        """All that was measured."""
        parts = (
            self._heading(),
            targets_table(TARGETS, readings),
            cases_table(self._cases, readings),
            figures_table(readings),
            comparison.comparison_table(self._before, self._summary(readings)),
        )
        return "\n\n".join(part.strip() for part in parts)

    def write(self, readings: Readings) -> None:
        """Fills in the pages, and keeps the numbers behind them."""
        write(self._project, self.tables(readings), readings)

    def finish(self, readings: Readings) -> None:
        """At the end: draws the picture, too, and keeps what the next run is compared with."""
        self.write(readings)
        comparison.write(self._summary(readings))
        draw(self._project, readings)

    def _heading(self) -> str:
        return f"{datetime.now(UTC).date().isoformat()}, {shape()}, {self._how}"

    def _summary(self, readings: Readings) -> comparison.Summary:
        return comparison.summary(self._heading(), self._cases, readings)


def write(project: Path, text: str, readings: Readings) -> None:
    """Fills in the pages, and keeps the numbers behind them."""
    sentence = headline(readings)
    for page, measured in (
        ("docs/pages/architecture/performance.md", f"{sentence}\n\n{text}"),
        ("README.md", sentence),
    ):
        (project / page).write_text(filled((project / page).read_text(), measured))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps([asdict(one) for one in readings], indent=1))


def draw(project: Path, readings: Readings) -> None:
    """The picture of the first case."""
    from benchmarks.plot import plot

    first = CASES[0]
    found = {name: by_round(readings, Side(first.name, name)) for name in first.contenders}
    plot(
        {name: list(each.values()) for name, each in found.items() if each},
        first.name,
        project / "docs" / "pages" / "images" / "performance.svg",
    )


if __name__ == "__main__":
    main()
