"""Lists in pages."""

from __future__ import annotations

import jinja2
import pytest

from gateway.portal.filters import FILTERS
from gateway.portal.listing import PAGE_SIZE, Listing, listed
from gateway.portal.page_language import speak_in_templates

COLUMNS = {"name": lambda row: row[0], "size": lambda row: row[1]}
ROWS = [("b", 2), ("a", 3), ("c", 1)]


def of(query: dict[str, str], rows: list[tuple[str, int]] = ROWS) -> Listing[tuple[str, int]]:
    return listed(rows, query, COLUMNS, "/list", ("search", "owner"))


@pytest.mark.parametrize(
    ("sort", "names"), [("", "bac"), ("name", "abc"), ("-name", "cba"), ("size", "cba"), ("other", "bac")]
)
def test_rows_are_in_the_order_that_was_chosen(sort: str, names: str) -> None:
    assert "".join(name for name, _ in of({"sort": sort}).rows) == names


def test_a_second_click_sorts_from_the_end() -> None:
    assert of({}).sorted_by("name") == "/list?sort=name"
    assert of({"sort": "name"}).sorted_by("name") == "/list?sort=-name"
    assert of({"sort": "-name"}).sorted_by("name") == "/list?sort=name"
    orders = [of({"sort": sort}).order_of("name") for sort in ("", "name", "-name", "size")]
    assert orders == ["none", "ascending", "descending", "none"]


@pytest.mark.parametrize(
    ("page", "shown"),
    [("", 1), ("1", 1), ("3", 3), ("4", 1), ("0", 1), ("-1", 1), ("x", 1), ("9" * 5000, 1), ("\u0663", 1)],
)
def test_a_page_that_is_not_there_is_the_first(page: str, shown: int) -> None:
    many = [(str(number), number) for number in range(2 * PAGE_SIZE + 1)]
    found = of({"page": page}, many)
    assert (found.page, found.pages, found.total) == (shown, 3, len(many))
    assert (found.first, found.last) == ((shown - 1) * PAGE_SIZE + 1, min(shown * PAGE_SIZE, len(many)))


def test_links_keep_the_rest_of_the_query() -> None:
    found = of({"search": "a b&c", "owner": "none", "sort": "size", "page": "2", "done": "saved"})
    assert found.to_page(2) == "/list?search=a+b%26c&owner=none&sort=size&page=2"
    assert found.to_page(1) == "/list?search=a+b%26c&owner=none&sort=size"


def test_nothing_is_one_empty_page() -> None:
    assert (of({}, []).pages, of({}, []).rows) == (1, [])


def test_a_page_leads_to_the_one_before_and_after() -> None:
    env = jinja2.Environment(autoescape=True, loader=jinja2.PackageLoader("gateway.portal"))
    speak_in_templates(env)
    env.filters.update(FILTERS)
    many = [(str(number), number) for number in range(2 * PAGE_SIZE + 1)]
    template = env.from_string("{% from 'parts.html' import pager %}{{ pager(found) }}")
    shown = {page: template.render(found=of({"page": str(page), "search": "x"}, many)) for page in (1, 2, 3)}
    assert ["Previous page" in shown[page] for page in shown] == [False, True, True]
    assert ["Next page" in shown[page] for page in shown] == [True, True, False]
    assert "51 to 100 of 101" in shown[2]
    assert 'href="/list?search=x&amp;page=3"' in shown[2]
    assert template.render(found=of({})).strip() == ""
