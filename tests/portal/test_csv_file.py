"""CSV files are read as they were meant, and run nowhere."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from gateway.portal.csv_file import csv_file, csv_text


def test_what_separates_cells_and_lines_may_be_in_a_cell() -> None:
    row = ("a,b", 'say "hi"', "two\nlines", "café", "")
    text = csv_text(("1", "2", "3", "4", "5"), [row])
    assert list(csv.reader(StringIO(text, newline=""))) == [["1", "2", "3", "4", "5"], list(row)]
    assert text.endswith("\r\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    (cell,) = next(csv.reader(StringIO(csv_text((), [(text,)]).removeprefix("\r\n"), newline="")))
    assert cell == f"'{text}"


def test_numbers_stay_numbers() -> None:
    assert csv_text(("n",), [(-1,), (0.25,)]) == "n\r\n-1\r\n0.25\r\n"


def test_it_is_a_download() -> None:
    answer = csv_file("calls", ("a",), [])
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="calls.csv"'
