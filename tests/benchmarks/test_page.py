import pytest

from benchmarks.page import BEGIN, END, filled
from tests.project.imports import ROOT


def test_what_is_between_the_marks_is_replaced_and_nothing_else() -> None:
    page = f"above\n{BEGIN}\nold\n{END}\nbelow\n"
    once = filled(page, "new\n")
    assert once == f"above\n{BEGIN}\n\nnew\n\n{END}\nbelow\n"
    assert filled(once, "new\n") == once


def test_a_page_without_marks_is_not_written_over() -> None:
    with pytest.raises(ValueError, match="measured: begin"):
        filled("a page", "new")


@pytest.mark.parametrize("page", ["docs/pages/architecture/performance.md", "README.md"])
def test_the_pages_have_a_place_for_the_tables(page: str) -> None:
    assert "new" in filled((ROOT / page).read_text(), "new")
