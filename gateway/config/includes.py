"""`include`: further files, merged into the main one before anything is checked.

Lists are joined in the order of the files, mappings are merged key by key. A value that is given twice is an
error that names both places.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path

from gateway.config.environment import substitute
from gateway.config.problems import ConfigIssue, KeyPath, Place
from gateway.config.source import ConfigSource, UnreadableFile, read_text
from gateway.config.tree import Entry, Leaf, ListNode, MapNode, child
from gateway.config.yaml_composer import compose

INCLUDE = "include"
NO_MAPPING = "the file must be a mapping: keys such as routes, each with :"


@dataclass(frozen=True, slots=True)
class IncludedFile:
    """One file that an `include` names."""

    name: str
    text: str
    problem: str = ""
    """Why it can't be read; empty: it could."""


IncludeReader = Callable[[str], Sequence[IncludedFile]]
"""Reads the files that a name or a pattern stands for, in order."""


def no_files(pattern: str) -> list[IncludedFile]:
    """For a text that is in no folder."""
    return [IncludedFile(pattern, "", "can't be read: there are no files here")]


def files_beside(main: Path) -> IncludeReader:
    """Reads files relative to the folder of the main file. A pattern may match nothing; a name may not."""

    return lambda pattern: [_read(name) for name in names_of(main, pattern)]


def names_of(main: Path, pattern: str) -> list[str]:
    """The files that a name or a pattern stands for, beside the main file, in order."""
    wanted = os.path.join(main.parent, pattern)
    names = sorted(glob(wanted, recursive=True)) if has_magic(pattern) else [wanted]
    return [name for name in names if not _same(name, main)]


def files_of(source: ConfigSource) -> IncludeReader:
    """The files that a configuration has named before, as they were then."""
    texts = dict(source.included)
    return lambda pattern: [
        IncludedFile(name, texts[name]) for name in source.found.get(pattern, ()) if name in texts
    ]


@dataclass(frozen=True, slots=True)
class FileRecorder:
    """Reads files, and remembers which."""

    read: IncludeReader
    texts: dict[str, str] = field(default_factory=dict)
    """The texts of the files by name, in order."""
    found: dict[str, list[str]] = field(default_factory=dict)
    """The files that each name or pattern stood for."""

    def __call__(self, pattern: str) -> Sequence[IncludedFile]:
        files = self.read(pattern)
        self.found[pattern] = [file.name for file in files]
        for file in files:
            if not file.problem:
                self.texts.setdefault(file.name, file.text)
        return files


def merge_includes(root: MapNode, read: IncludeReader, environ: Mapping[str, str]) -> list[ConfigIssue]:
    """Merges the files that the root's `include` names into it. Returns all issues."""
    merged: set[str] = set()
    issues: list[ConfigIssue] = []
    for index, leaf in enumerate(_patterns(root)):
        for file in read(str(leaf.value)):
            if file.problem:
                issues.append(ConfigIssue(leaf.place, (INCLUDE, index), f"{file.name} {file.problem}"))
            elif file.name not in merged:
                merged.add(file.name)
                issues += _merge_file(root, file, environ)
    return issues


def _patterns(root: MapNode) -> Iterator[Leaf]:
    node = child(root, INCLUDE)
    for item in node.items if isinstance(node, ListNode) else ():
        # Anything else is reported when the model is validated.
        if isinstance(item, Leaf) and isinstance(item.value, str) and item.value and not item.broken:
            yield item


def _merge_file(root: MapNode, file: IncludedFile, environ: Mapping[str, str]) -> list[ConfigIssue]:
    tree, issues = compose(file.text, file.name)
    if tree is None:
        return issues
    if not isinstance(tree, MapNode):
        return [*issues, ConfigIssue(tree.place, (), NO_MAPPING)]
    for key in (INCLUDE, "extends"):
        nested = tree.entries.pop(key, None)
        if nested is not None:
            issues.append(ConfigIssue(nested.place, (key,), "works in the main file only"))
    issues += substitute(tree, environ)
    issues += _merge(root, tree, ())
    return issues


def _merge(into: MapNode, other: MapNode, path: KeyPath) -> Iterator[ConfigIssue]:
    for key, entry in other.entries.items():
        first = into.entries.get(key)
        if first is None:
            into.entries[key] = entry
        elif isinstance(first.node, MapNode) and isinstance(entry.node, MapNode):
            # A copy: an alias may share the node.
            merged = MapNode(first.node.place, dict(first.node.entries))
            into.entries[key] = Entry(first.place, merged)
            yield from _merge(merged, entry.node, (*path, key))
        elif isinstance(first.node, ListNode) and isinstance(entry.node, ListNode):
            joined = ListNode(first.node.place, [*first.node.items, *entry.node.items])
            into.entries[key] = Entry(first.place, joined)
        else:
            yield _twice(entry.place, first.place, (*path, key))


def _twice(place: Place, first: Place, path: KeyPath) -> ConfigIssue:
    return ConfigIssue(place, path, f"duplicate key (the first is {first.seen_from(place)})")


def _read(name: str) -> IncludedFile:
    shown = os.path.normpath(name)
    try:
        return IncludedFile(shown, read_text(Path(name)))
    except UnreadableFile as error:
        return IncludedFile(shown, "", error.issue.text)


def _same(name: str, main: Path) -> bool:
    try:
        return os.path.samefile(name, main)
    except OSError:
        return False
