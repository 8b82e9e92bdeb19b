"""The README: short, and its commands and files are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.config.load import load_text
from gateway.plugin.catalog import PluginCatalog
from tests.project.imports import ROOT

README = (ROOT / "README.md").read_text()
MOST_WORDS = 900


def section(title: str) -> str:
    """The text under a heading."""
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_it_is_short() -> None:
    assert len(README.split()) < MOST_WORDS


def test_the_example_of_a_file_is_a_good_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", section("Your own APIs"), re.DOTALL)
    settings = load_text(text, {"SHOP_SECRET": "x" * 32}, PluginCatalog())
    assert [route.path for route in settings.routes] == ["/stock"]


def test_every_line_with_a_command_has_words_that_it_knows() -> None:
    lines = re.findall(r"^\.venv/bin/gatepost (.*)$", section("Your own APIs"), re.MULTILINE)
    assert lines
    for line in lines:
        words = line.split()
        names = words[: 2 if words[0] in ("client", "keys") else 1]
        usage = CliRunner().invoke(main, [*names, "--help"])
        assert usage.exit_code == 0, line
        for option in re.findall(r"(?<= )--?[a-z-]+", line):
            assert option in usage.stdout, f"{line}: {option}"


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PLACES = [ROOT, ROOT / "gateway", ROOT / "tests", ROOT / "docs" / "pages" / "examples"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"`([\w/]+\.py)(?:::\w+)?`", page.read_text()))
    missing = [name for name in sorted(named) if not any((place / name).exists() for place in PLACES)]
    assert missing == []
