"""The table of servers that were tried names tests that exist."""

import re

import pytest

from tests.project.imports import ROOT

PAGE = (ROOT / "docs/pages/how-to/apps-behind-the-gateway.md").read_text()
NAMED = re.findall(r"`([a-z0-9_/]++\.py)(?:::(test_[a-z0-9_]++))?`", PAGE)


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_a_row_names_a_test_that_exists(path: str, test: str) -> None:
    text = (ROOT / "tests" / path).read_text()
    assert not test or f"def {test}(" in text


def test_the_table_was_read() -> None:
    assert len(NAMED) > 8
