"""The pages of the documentation: each is in the navigation, and links between files lead somewhere.

The site's own build (`zensical build --strict`, a step of scripts/test) checks the links between pages
too. It does not see the files at the top of the repository, and not every editor of a page builds the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project.imports import ROOT
from tests.project.test_layers import BASE, MAY_IMPORT

PAGES = ROOT / "docs" / "pages"
SITE: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "mkdocs.yml").read_text())
FILES = [*sorted(ROOT.glob("*.md")), *sorted(PAGES.rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|^(?: {4}.*\n)+|`[^`\n]+`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def in_navigation(entries: list[Any]) -> Iterator[str]:
    """The pages under some entries of the navigation, however deep."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from in_navigation(below if isinstance(below, list) else [below])


def test_every_page_is_in_the_navigation_once() -> None:
    pages = sorted(str(page.relative_to(PAGES)) for page in PAGES.rglob("*.md"))
    assert sorted(in_navigation(SITE["nav"])) == pages


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the site and code hosts make them."""
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL))
    texts = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", text)).strip("-") for text in texts}


@pytest.mark.parametrize("page", FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_of_the_site_links_to_nothing_outside_of_it(page: Path) -> None:
    links = [link for link in LINK.findall(CODE.sub("", page.read_text())) if not re.match(r"[a-z]+:", link)]
    if page.is_relative_to(PAGES):
        outside = [link for link in links if not (page.parent / link).resolve().is_relative_to(PAGES)]
        assert outside == []


def test_the_newcomers_test_names_the_file_that_each_of_fourteen_changes_begins_in() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| change | begins in |\n|---|---|\n")[2]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table.partition("\n\n")[0], re.MULTILINE)
    assert len({change for change, _ in rows}) == 14
    for change, where in rows:
        assert re.findall(r"`((?:gateway|plugins)/[\w/]+\.py)`", where), change


def test_the_overview_lists_every_package_above_those_that_it_imports() -> None:
    text = (PAGES / "architecture" / "overview.md").read_text()
    table = text.partition("| package | holds |\n")[2].partition("\n\n")[0]
    order = re.findall(r"`(?:gateway/)?(\w+)(?:/|\.py)`", re.sub(r"(?m)\|[^|]*\|$", "", table))
    assert sorted({*order, "gateway", "__main__"}) == sorted(MAY_IMPORT)
    same_row = {"app": "assembly", "cli": "commands", "plugin": "plugins", "plugins": "plugin"}
    for place, package in enumerate(order):
        below = {*order[place:], same_row.get(package), *BASE}
        assert MAY_IMPORT[package] <= below, package
