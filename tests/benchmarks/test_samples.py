from benchmarks.samples import Figure, Reading, Side, by_round, ratios


def figure(number: int, value: float, contender: str = "a") -> Figure:
    return Figure("case", contender, number, value, "s")


A, B = Side("case", "a", "value"), Side("case", "b", "value")


def test_more_than_one_in_a_round_is_their_median() -> None:
    readings: list[Reading] = [figure(0, 3), figure(0, 1), figure(0, 2), figure(1, 9), figure(1, 7, "b")]
    assert by_round(readings, A) == {0: 2, 1: 9}


def test_a_ratio_is_taken_within_a_round() -> None:
    readings: list[Reading] = [figure(0, 2), figure(0, 4, "b"), figure(1, 9), figure(1, 3, "b"), figure(2, 5)]
    assert ratios(readings, A, B) == [0.5, 3]
