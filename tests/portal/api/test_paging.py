"""Lists in pages."""

from __future__ import annotations

import pytest

from gateway.portal.api.paging import neighbours
from tests.portal.api.program import Program


@pytest.mark.parametrize(
    ("offset", "limit", "total", "following", "before"),
    [
        (0, 25, 0, "", ""),
        (0, 25, 25, "", ""),
        (0, 25, 26, "/l?query=a+b&limit=25&offset=25", ""),
        (25, 25, 26, "", "/l?query=a+b&limit=25&offset=0"),
        (5, 10, 100, "/l?query=a+b&limit=10&offset=15", "/l?query=a+b&limit=10&offset=0"),
        (0, 0, 100, "", ""),
        (50, 10, 3, "", "/l?query=a+b&limit=10&offset=40"),
    ],
)
def test_a_page_links_to_its_neighbours(
    offset: int, limit: int, total: int, following: str, before: str
) -> None:
    assert neighbours(offset, limit, total, "/l", {"query": "a b"}) == {"next": following, "previous": before}


def test_a_program_walks_through_all_pages_by_their_links(program: Program) -> None:
    made = {program.ask("POST", "/applications", {"name": f"Page {one}"})[1]["name"] for one in range(5)}
    seen, path = [], "/applications?query=page&limit=2"
    while path:
        status, page = program.ask("GET", path)
        assert (status, page["count"] <= 2, page["pagination"]["total"]) == (200, True, 5)
        seen += [one["name"] for one in page["list"]]
        path = page["pagination"]["next"].removeprefix("/portal/api/v1")
    assert (set(seen), len(seen)) == (made, 5)


@pytest.mark.parametrize("query", ["limit=201", "limit=-1", "offset=x", "offset=1000000"])
def test_a_page_that_can_not_be_is_refused(program: Program, query: str) -> None:
    assert program.ask("GET", f"/applications?{query}")[0] == 400
