import pytest

from benchmarks.cases import CASES
from benchmarks.figures import QUESTIONS
from benchmarks.samples import Figure, Reading, Side
from benchmarks.targets import TARGETS, Target, judge

OF, TO = Side("case", "a", "value"), Side("case", "b", "value")


def readings(*pairs: tuple[float, float]) -> list[Reading]:
    return [
        Figure("case", name, number, value, "s")
        for number, pair in enumerate(pairs)
        for name, value in zip("ab", pair, strict=True)
    ]


def test_the_median_of_the_ratios_decides() -> None:
    verdict = judge(Target("x", OF, 0.5, "×", TO), readings((1, 2), (1, 4), (3, 3)))
    assert verdict is not None
    assert (verdict.median, verdict.least, verdict.most, verdict.reached) == (0.5, 0.25, 1, True)


def test_it_is_judged_as_it_is_not_as_it_is_shown() -> None:
    verdict = judge(Target("x", OF, 0.5, "s"), readings((0.5001, 1)))
    assert verdict is not None
    assert not verdict.reached


def test_more_may_be_better() -> None:
    verdict = judge(Target("x", OF, 2, "s", at_least=True), readings((3, 1)))
    assert verdict is not None
    assert verdict.reached


def test_what_was_not_measured_is_not_judged() -> None:
    assert judge(Target("x", OF, 2, "s"), []) is None


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.what} {target.unit}")
def test_each_target_is_of_what_is_measured(target: Target) -> None:
    measured = {(case.name, name) for case in CASES for name in case.contenders}
    asked = {name for question in QUESTIONS for name in (question.name, *question.figures)}
    for side in (target.of, target.to):
        if side is not None:
            assert side.case in asked or (side.case, side.contender) in measured
