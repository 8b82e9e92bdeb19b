"""A line of the access log fits into one write, whatever is in it."""

import pytest

from gateway.process.access_lines import LINE_LIMIT, LINES, Line, fitting
from gateway.telemetry.entry import Entry

USUAL: Entry = ("192.0.2.7", "GET", b"/orders/1", 200, 120, 0.0042, "/orders", "demo", "r-1")
ENDLESS: Entry = ("a" * 9000, "G" * 9000, b"\xff" * 9000, 200, 1, 0.1, "r" * 9000, "c" * 9000, "i" * 9000)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_usual_line_is_whole(line: Line) -> None:
    assert fitting(line, "t", USUAL) == line("t", USUAL)
    assert b"/orders/1" in line("t", USUAL)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_an_endless_one_is_cut_and_says_so(line: Line) -> None:
    cut = fitting(line, "t", ENDLESS)
    assert len(cut) <= LINE_LIMIT
    assert cut.endswith(b"\n")
    assert cut.count(b"...") == 6
