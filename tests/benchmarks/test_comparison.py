from dataclasses import replace
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.comparison import KEPT, comparison_table, read, summary, write
from benchmarks.names import GATEPOST, NGINX
from benchmarks.samples import Figure, Reading, Sample

FIRST = CASES[0]


def sample(contender: str, cpu: float, round_: int = 0) -> Sample:
    return Sample(FIRST.name, contender, round_, cpu, 31_000.4, 0.002, 0.004, 70.2, busy=0.97)


READINGS: list[Reading] = [
    sample(NGINX, 10),
    sample(GATEPOST, 20),
    sample(NGINX, 20, 1),
    sample(GATEPOST, 24, 1),
    Figure("start", GATEPOST, 0, 0.612345, "s"),
]


def test_a_summary_has_medians_and_ratios_within_rounds(tmp_path: Path) -> None:
    made = summary("today", CASES, READINGS)
    assert made.cpu == {f"{FIRST.name} | {NGINX}": 15, f"{FIRST.name} | {GATEPOST}": 22}
    assert made.ratio[f"{FIRST.name} | {GATEPOST}"] == 1.6
    write(made, tmp_path / "kept.json")
    kept = read(tmp_path / "kept.json")
    assert kept == replace(made, figure={f"start | {GATEPOST}": 0.6123})


def test_a_run_is_compared_with_the_one_before_it_where_both_have_measured() -> None:
    before = summary("then", CASES, [sample(NGINX, 10), sample(GATEPOST, 11)])
    text = comparison_table(before, summary("now", CASES, READINGS))
    assert "the run before (then)" in text
    assert text.splitlines()[-1] == f"| {FIRST.name} | Gatepost | 11 µs | 22 µs | 2.00 | 1.10 | 1.60 |"
    assert "start" not in text


def test_the_first_run_is_compared_with_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "none.json") is None
    assert comparison_table(None, summary("now", CASES, READINGS)) == ""


def test_the_kept_run_has_cases_and_figures() -> None:
    kept = read(KEPT)
    assert kept is not None
    assert kept.heading
    assert f"{FIRST.name} | {GATEPOST}" in kept.ratio
    assert kept.figure
