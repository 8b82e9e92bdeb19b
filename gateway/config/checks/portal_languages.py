"""Checks of `portal.languages` and `portal.catalogues`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.translation.catalogue import LARGEST, CatalogueError, is_tag, problems
from gateway.translation.languages import SHIPPED


def catalogues_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """Each catalogue is a .po file, named as its language is, with translations that can be shown."""
    first: dict[str, int] = {}
    for index, file in enumerate(settings.portal.catalogues):
        path: KeyPath = ("portal", "catalogues", index)
        if file.suffix != ".po" or not is_tag(file.stem):
            yield CheckFinding(path, "must be named as its language is, such as fr.po or pt-BR.po")
        elif not context.is_file(file):
            yield CheckFinding(path, "there is no such file")
        elif (wrong := _problem(file, context)) is not None:
            yield CheckFinding(path, wrong)
        elif file.stem in first:
            text = "another catalogue is of the same language"
            yield CheckFinding(path, text, first=("portal", "catalogues", first[file.stem]))
        first.setdefault(file.stem, index)


def languages_known(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Each language has a catalogue, and there is one at least."""
    tags = settings.portal.languages
    if tags is None:
        return
    if not tags:
        yield CheckFinding(("portal", "languages"), "must have a language")
    there = (*(one.tag for one in SHIPPED), *(file.stem for file in settings.portal.catalogues))
    for index, tag in enumerate(tags):
        path: KeyPath = ("portal", "languages", index)
        if tag in tags[:index]:
            yield CheckFinding(path, "is there twice", first=("portal", "languages", tags.index(tag)))
        elif tag not in there:
            text = "there is no catalogue of this language: name its file in portal.catalogues"
            yield CheckFinding(path, text, depends=(("portal", "catalogues"),), invalid=tag, valid=there)


def _problem(file: Path, context: CheckContext) -> str | None:
    try:
        data = context.read(file)
        if len(data) > LARGEST:
            return f"is larger than {LARGEST // 1024 // 1024} MiB"
        found = problems(data)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except CatalogueError as error:
        return f"is no catalogue: {error}"
    return found[0] if found else None
