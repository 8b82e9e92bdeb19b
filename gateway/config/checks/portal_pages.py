"""Checks of `portal.pages` and `portal.images`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.image_files import image_problem
from gateway.config.images import LARGEST_IMAGE
from gateway.config.model import Settings
from gateway.config.portal import LARGEST_PAGE, page_name
from gateway.config.problems import KeyPath

LIBRARY = "markdown_it"
"""The module of the package markdown-it-py."""


def portal_pages_installed(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The extra that renders Markdown is installed."""
    if settings.portal.pages and not context.installed(LIBRARY):
        text = "needs the extra pages, which isn't installed: pip install 'gatepost[pages]'"
        yield CheckFinding(("portal", "pages"), text)


def portal_pages_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """Each page is a file that can be shown, under a name of its own."""
    first: dict[str, int] = {}
    for index, file in enumerate(settings.portal.pages):
        path: KeyPath = ("portal", "pages", index)
        name = page_name(file)
        if not context.is_file(file):
            yield CheckFinding(path, "there is no such file")
        elif (wrong := _page_problem(file, context)) is not None:
            yield CheckFinding(path, wrong)
        elif name in first:
            text = f"another page has the name {name} in URLs"
            yield CheckFinding(path, text, first=("portal", "pages", first[name]))
        first.setdefault(name, index)


def portal_images_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """Each image is one that browsers show."""
    for index, file in enumerate(settings.portal.images):
        if (wrong := image_problem(file, context, LARGEST_IMAGE)) is not None:
            yield CheckFinding(("portal", "images", index), wrong)


def _page_problem(file: Path, context: CheckContext) -> str | None:
    try:
        data = context.read(file)
        data.decode()
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except UnicodeDecodeError:
        return "is not UTF-8"
    return f"is larger than {LARGEST_PAGE // 1024} KiB" if len(data) > LARGEST_PAGE else None
