"""docs/pages/reference/http-conformance.md names what is there, and leaves no script or difference out."""

import re

import pytest

from tests.exactness.known_differences import DIFFERENCES
from tests.exactness.test_scripts import SCRIPTS
from tests.project.imports import ROOT
from tests.project.test_standards import TEST, functions

PAGE = (ROOT / "docs" / "pages" / "reference" / "http-conformance.md").read_text()
LIFE = (ROOT / "docs" / "pages" / "architecture" / "life-of-a-request.md").read_text()
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
SCRIPT = re.compile(r"`vtc/(\w+)\.vtc`")
DIFFERENCE = re.compile(r"^\| (nginx|haproxy) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


def test_every_rule_stands_once_and_in_its_order() -> None:
    assert [int(row[0]) for row in ROW.findall(PAGE)] == list(range(59, 86))


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=lambda row: row[0])
def test_every_rule_has_something_that_shows_it(row: tuple[str, str, str, str]) -> None:
    assert SCRIPT.findall(row[3]) or TEST.findall(row[3])


def test_every_script_is_named_and_is_there() -> None:
    assert set(SCRIPT.findall(PAGE)) == {script.stem for script in SCRIPTS}


@pytest.mark.parametrize(("file", "function"), TEST.findall(PAGE))
def test_every_test_that_is_named_exists(file: str, function: str) -> None:
    assert function in functions(file)


def test_the_differences_are_those_that_are_tested() -> None:
    assert DIFFERENCE.findall(PAGE) == [(known.peer, known.name) for known in DIFFERENCES]


@pytest.mark.parametrize("file", sorted(set(re.findall(r"\b[a-z_/]+\.py\b", LIFE))))
def test_every_file_that_the_drawing_names_is_there(file: str) -> None:
    assert (ROOT / "gateway" / file.removeprefix("gateway/")).exists()
