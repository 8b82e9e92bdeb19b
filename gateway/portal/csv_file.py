"""Tables as CSV files (RFC 4180), for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from aiohttp import web

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """The table. A text that a spreadsheet would run is text there, too: an apostrophe stands before it."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(heads)
    writer.writerows([_cell(one) for one in row] for row in rows)
    return file.getvalue()


def csv_file(name: str, heads: Sequence[str], rows: Iterable[Sequence[str | float]]) -> web.Response:
    """The table as a download."""
    return web.Response(
        text=csv_text(heads, rows),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _cell(value: str | float) -> str | float:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
