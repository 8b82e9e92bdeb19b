"""What becomes of requests that are too many, told from the notes of the load."""

from benchmarks.overload import judged
from benchmarks.paced import BROKEN, NEVER, Note

END = 4.0


def note(due: float, took: float, status: int, late: float = 0.0) -> Note:
    return Note(due, due, due + late, due + took, status)


def test_what_is_let_in_what_is_refused_and_what_is_lost_are_told_apart() -> None:
    over = [
        note(1, 0.02, 200),
        note(2, 0.001, 503),
        note(3, 0.03, 200),
        note(3, 1, BROKEN),
        note(3, 9, NEVER),
    ]
    row = judged("case", 100, over, END)
    assert [round(took, 6) for took in row.admitted] == [0.02, 0.03]
    assert [round(took, 6) for took in row.refused] == [0.001]
    assert row.lost == 2
    assert row.goodput(0.1) == 0.2


def test_it_is_back_when_the_last_request_after_the_overload_was_refused() -> None:
    over, after = [note(1, 0.02, 200)], [note(END + 0.25, 0.001, 503), note(END + 0.5, 0.001, 200)]
    assert judged("case", 100, [*over, *after], END).back == 0.25
    assert judged("case", 100, [*over, after[1]], END).back == 0


def test_how_late_the_load_was_counts_during_the_overload() -> None:
    notes = [note(1, 0.02, 200, late=0.002), note(END + 1, 0.02, 200, late=0.5)]
    assert round(judged("case", 100, notes, END).late, 6) == 0.002
