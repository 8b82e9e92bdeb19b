"""The tables of standards and of threats name tests that are there; every rule stands once."""

import ast
import re
from functools import cache

import pytest

from tests.project.imports import ROOT, tree_of

ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")
LEAST_REASON = 5
"""Characters of a row's last column where it names no test."""

ROWS = ROW.findall((ROOT / "docs" / "pages" / "reference" / "standards.md").read_text())


@cache
def functions(file: str) -> frozenset[str]:
    """The tests of a file, also those in classes."""
    tree = tree_of(f"tests/{file}")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def test_every_rule_stands_once_and_in_its_order() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) > 50


@pytest.mark.parametrize(("number", "shown"), [(row[0], row[3]) for row in ROWS])
def test_every_test_that_is_named_exists(number: str, shown: str) -> None:
    named = TEST.findall(shown)
    assert named or len(shown) >= LEAST_REASON, f"rule {number} has neither a test nor a reason"
    for file, function in named:
        assert function in functions(file), f"rule {number}: there is no {file}::{function}"


THREATS = re.findall(
    r"^\| [A-Z][a-z ]+ \| ([^|]+) \| [^|]+ \| ([^|]+) \|$",
    (ROOT / "docs" / "pages" / "security" / "threat-model.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize(("threat", "shown"), THREATS)
def test_every_threat_has_a_test_that_exists(threat: str, shown: str) -> None:
    named = TEST.findall(shown)
    assert named, f"{threat} has no test"
    for file, function in named:
        assert function in functions(file), f"{threat}: there is no {file}::{function}"


def test_the_threats_have_been_read() -> None:
    assert len(THREATS) > 30
