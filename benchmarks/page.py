"""The page of the documentation: what stands between its marks is the program's, the rest is written by hand."""

from __future__ import annotations

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def filled(page: str, measured: str) -> str:
    """The page with these tables in place of its old ones. Raises ValueError where it has no such marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs a line {BEGIN} and, below, a line {END}")
    return f"{before}{BEGIN}\n\n{measured.strip()}\n\n{END}{after}"
