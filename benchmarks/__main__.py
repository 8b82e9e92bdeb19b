"""`python -m benchmarks`: runs the cases round by round, and writes a table and a plot."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.contender import Contender
from benchmarks.load import run
from benchmarks.machine import shape
from benchmarks.report import Sample, markdown
from benchmarks.stand import Stand


def main() -> None:
    """Reads the options, runs, and writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: the main cases, one round")
    parser.add_argument("--case", default="", help="only cases with this in their name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of load for each contender, case and round")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="where performance.* are written")
    parser.add_argument("--node-modules", type=Path, default=Path(".bench/node_modules"))
    options = parser.parse_args()
    cases = [
        case for case in CASES if (not options.quick or "quick" in case.tags) and options.case in case.name
    ]
    rounds, seconds = (1, 3) if options.quick else (options.rounds, options.seconds)
    wanted = {name for case in cases for name in case.contenders}
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Stand(Path(folder), options.node_modules.resolve(), wanted) as stand,
    ):
        for name, reason in stand.missing.items():
            print(f"left out: {name}: {reason}")
        samples = [
            sample(case, stand, stand.contenders[name], number, seconds)
            for number in range(rounds)
            for case in cases
            for name in case.contenders
            if name in stand.contenders
        ]
    date = datetime.now(UTC).date().isoformat()
    text = markdown(cases, samples, f"{date}, {shape()}, {rounds} rounds of {seconds:g} s")
    print(text)
    if not options.quick and not options.case:
        write(options.out, text, samples)


def sample(case: Case, stand: Stand, contender: Contender, number: int, seconds: float) -> Sample:
    """Loads one contender, and reads what that cost it."""
    load = case.load(stand, contender)
    run(load, 1)
    before = contender.cpu()
    outcome = run(load, seconds)
    spent = contender.cpu() - before
    done = Sample(
        case.name,
        contender.name,
        number,
        spent / max(outcome.requests, 1) * 1e6,
        outcome.rate,
        outcome.p50,
        outcome.p99,
        contender.memory(),
        outcome.wrong,
    )
    print(
        f"{number + 1}: {case.name}: {contender.name}: {done.cpu:.1f} µs, {done.rate:.0f}/s, wrong {done.wrong}",
        flush=True,
    )
    return done


def write(folder: Path, text: str, samples: list[Sample]) -> None:
    """Leaves the table, the plot, and the numbers behind them."""
    from benchmarks.plot import plot

    folder.mkdir(exist_ok=True)
    (folder / "performance-table.md").write_text(text)
    numbers = [{name: getattr(one, name) for name in Sample.__slots__} for one in samples]
    (folder / "performance.json").write_text(json.dumps(numbers, indent=1))
    first = CASES[0]
    medians = {
        name: statistics.median(
            one.cpu for one in samples if one.case == first.name and one.contender == name
        )
        for name in first.contenders
        if any(one.contender == name for one in samples)
    }
    plot(medians, first.name, folder / "images" / "performance.svg")


main()
