"""`portal.pages` and `portal.images` are files that can be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load
from gateway.config.images import LARGEST_IMAGE
from gateway.config.portal import LARGEST_PAGE, page_name
from tests.config.example import problems


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "there is no such file"),
        (b"\xff", "is not UTF-8"),
        (b"x" * (LARGEST_PAGE + 1), "is larger than 256 KiB"),
        (b"# A page", ""),
    ],
)
def test_a_page_is_a_markdown_file(tmp_path: Path, data: bytes | None, words: str) -> None:
    file = tmp_path / "page.md"
    if data is not None:
        file.write_bytes(data)
    found = problems(f"portal:\n  pages: ['{file}']\n")
    assert found == ([f"2:11: portal.pages[0]: {words}"] if words else [])


def test_each_page_has_a_name_of_its_own_in_urls(tmp_path: Path) -> None:
    for name in ("First steps.md", "first-steps.txt"):
        (tmp_path / name).write_text("x")
    text = f"portal:\n  pages:\n  - {tmp_path}/First steps.md\n  - {tmp_path}/first-steps.txt\n"
    (found,) = problems(text)
    assert found == (
        "4:5: portal.pages[1]: another page has the name first-steps in URLs (the first is on line 3)"
    )
    assert page_name(Path("docs/Ä?.md")) == "page"


def test_pages_need_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text("x")
    text = f"portal:\n  pages: ['{tmp_path}/page.md']\n"
    assert problems(text) == []
    monkeypatch.setattr(load, "_installed", lambda package: package != "markdown_it")
    assert problems(text) == [
        "2:10: portal.pages: needs the extra pages, which isn't installed: pip install 'gatepost[pages]'"
    ]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("flow.gif", b"x", "must be a file that ends with .svg, .png, .webp, .jpg, .jpeg"),
        ("flow.png", None, "there is no such file"),
        ("flow.png", b"", "must have 1 byte to 1024 KiB"),
        ("flow.PNG", b"x" * (LARGEST_IMAGE + 1), "must have 1 byte to 1024 KiB"),
        ("flow.svg", b"<svg/>", ""),
    ],
)
def test_an_image_is_one_that_browsers_show(
    tmp_path: Path, name: str, data: bytes | None, words: str
) -> None:
    file = tmp_path / name
    if data is not None:
        file.write_bytes(data)
    found = problems(f"portal:\n  images: ['{file}']\n")
    assert found == ([f"2:12: portal.images[0]: {words}"] if words else [])
