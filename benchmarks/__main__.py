"""`python -m benchmarks`: runs the cases round by round, and writes tables and a plot into the documentation."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases import CASES, Case
from benchmarks.figures import QUESTIONS
from benchmarks.machine import shape
from benchmarks.names import GATEPOST
from benchmarks.page import filled
from benchmarks.report import Readings, cases_table, figures_table, headline, targets_table
from benchmarks.samples import Side, by_round
from benchmarks.stand import Stand
from benchmarks.targets import TARGETS

KEPT = Path(".bench/performance.json")


def main() -> None:
    """Reads the options, runs, and writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="about a minute: the main cases, one round; writes nothing"
    )
    parser.add_argument("--case", default="", help="only what has this in its name; writes nothing")
    parser.add_argument("--rounds", type=int, default=5)
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
        bench = Bench(stand, seconds)
        for number in range(rounds):
            bench.round(number, cases, questions)
    heading = f"{datetime.now(UTC).date().isoformat()}, {shape()}, {rounds} × {seconds} s each"
    text = tables(heading, cases, bench.readings)
    print(text)
    if not options.quick and not options.case:
        write(options.into, text, bench.readings)


def tables(heading: str, cases: Sequence[Case], readings: Readings) -> str:
    """All that was measured."""
    parts = (heading, targets_table(TARGETS, readings), cases_table(cases, readings), figures_table(readings))
    return "\n\n".join(part.strip() for part in parts)


def write(project: Path, text: str, readings: Readings) -> None:
    """Fills in the pages, draws the plot, and keeps the numbers behind them."""
    from benchmarks.plot import plot

    sentence = headline(readings)
    for page, measured in (
        ("docs/pages/architecture/performance.md", f"{sentence}\n\n{text}"),
        ("README.md", sentence),
    ):
        (project / page).write_text(filled((project / page).read_text(), measured))
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps([asdict(one) for one in readings], indent=1))
    first = CASES[0]
    found = {name: by_round(readings, Side(first.name, name)) for name in first.contenders}
    plot(
        {name: list(each.values()) for name, each in found.items() if each},
        first.name,
        project / "docs" / "pages" / "images" / "performance.svg",
    )


if __name__ == "__main__":
    main()
