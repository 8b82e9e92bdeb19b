"""The README's words about commands and files, held against the program."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS, main
from gateway.config.load import load_text
from gateway.plugin_catalog import Catalog
from tests.project.imports import ROOT

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """The text under a heading."""
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


def found(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_table(name: str) -> None:
    rows = [row for row in section("Commands").splitlines() if row.startswith("| `gatepost")]
    (row,) = [row for row in rows if row.startswith(f"| `gatepost {name}")]
    command = found(name)
    for below in getattr(command, "commands", {}):
        assert re.search(rf"\b{below}`", row), f"{name} {below}"


def test_the_example_of_a_file_is_a_good_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", section("Your own APIs"), re.DOTALL)
    settings = load_text(text, {"SHOP_SECRET": "x" * 32}, Catalog())
    assert [route.path for route in settings.routes] == ["/stock"]


@pytest.mark.parametrize("title", ["Your own APIs", "Commands"])
def test_every_line_with_a_command_has_words_that_it_knows(title: str) -> None:
    lines = re.findall(r"^\.venv/bin/gatepost (.*)$", README, re.MULTILINE)
    assert lines
    for line in re.findall(r"^\.venv/bin/gatepost (.*)$", section(title), re.MULTILINE):
        words = line.split()
        names = words[: 2 if words[0] in ("client", "keys") else 1]
        usage = CliRunner().invoke(main, [*names, "--help"])
        assert usage.exit_code == 0, line
        for option in re.findall(r"(?<= )--?[a-z-]+", line):
            assert option in usage.stdout, f"{line}: {option}"


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACES = [ROOT, ROOT / "gateway", ROOT / "tests", ROOT / "docs" / "examples"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"`([\w/]+\.py)(?:::\w+)?`", page.read_text()))
    missing = [name for name in sorted(named) if not any((place / name).exists() for place in PLACES)]
    assert missing == []
