"""Long lists in pages, in an order that the reader chooses. Links keep what was searched for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

Row = TypeVar("Row")

PAGE_SIZE = 50
"""Rows: a page of the portal stays under 100 KiB."""
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One page of a list."""

    rows: Sequence[Row]
    page: int
    """From 1 on."""
    pages: int
    total: int
    """Rows of all pages."""
    sort: str
    """The column that it is sorted by, with a minus before it from its end; empty: in its own order."""
    path: str
    kept: Mapping[str, str]
    """What the query says besides page and order."""
    size: int = PAGE_SIZE
    """The most rows of a page."""

    @property
    def first(self) -> int:
        """The number of the first row that is shown."""
        return (self.page - 1) * self.size + 1

    @property
    def last(self) -> int:
        """And of the last one."""
        return self.first + len(self.rows) - 1

    def to_page(self, page: int) -> str:
        """The link to a page in the same order."""
        return self._link(self.sort, page)

    def sorted_by(self, column: str) -> str:
        """The link that sorts by a column; from its end, where it is sorted by it already."""
        return self._link(f"-{column}" if self.sort == column else column, 1)

    def order_of(self, column: str) -> str:
        """As `aria-sort` has it."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort, "none")

    def _link(self, sort: str, page: int) -> str:
        query = {**self.kept, "sort": sort, "page": str(page) if page > 1 else ""}
        text = urlencode({name: value for name, value in query.items() if value})
        return f"{self.path}?{text}" if text else self.path


def listed(
    found: Sequence[Row],
    query: Mapping[str, str],
    columns: Mapping[str, Callable[[Row], Any]],
    path: str,
    keep: Sequence[str] = ("search",),
    size: int = PAGE_SIZE,
) -> Listing[Row]:
    """The page of a list that a query asks for. What the query has of pages and columns that there are not
    shows the first page, in the list's own order.
    """
    sort = query.get("sort", "")
    key = columns.get(sort.removeprefix("-"))
    rows = found if key is None else sorted(found, key=key, reverse=sort.startswith("-"))
    pages = max(1, -(-len(rows) // size))
    wanted = query.get("page", "")
    number = int(wanted) if _NUMBER.fullmatch(wanted) else 1
    page = number if 1 <= number <= pages else 1
    kept = {name: query[name][:100] for name in keep if name in query}
    shown = rows[(page - 1) * size : page * size]
    return Listing(shown, page, pages, len(rows), sort if key is not None else "", path, kept, size)
