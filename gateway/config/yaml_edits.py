"""Takes items out of lists in the text of a YAML file. Everything else stays as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from gateway.config.problems import KeyPath


@dataclass(frozen=True, slots=True)
class _Edit:
    """One piece of the text, and what stands there from now on."""

    start: int
    end: int
    text: str


def list_length(text: str, path: KeyPath) -> int:
    """The items of the list at a path; 0 where there is none."""
    node = _find(_root(text), path)
    return len(node.value) if isinstance(node, yaml.SequenceNode) else 0


def without_items(text: str, paths: Iterable[KeyPath]) -> str:
    """The text without the items at these paths: `("routes", 3)`, `("clients", 0, "scopes", 1)`.

    A list that loses all its items becomes `[]`.
    """
    root = _root(text)
    lists: dict[KeyPath, set[int]] = {}
    for path in paths:
        last = path[-1]
        if isinstance(last, int):
            lists.setdefault(path[:-1], set()).add(last)
    edits: list[_Edit] = []
    for path, removed in lists.items():
        node = _find(root, path)
        if isinstance(node, yaml.SequenceNode):
            edits += _flow(text, node, removed) if node.flow_style else _block(text, node, removed)
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _root(text: str) -> yaml.Node | None:
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _find(node: yaml.Node | None, path: KeyPath) -> yaml.Node | None:
    for part in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            return None
    return node


def _flow(text: str, node: yaml.SequenceNode, removed: set[int]) -> list[_Edit]:
    kept = [item for index, item in enumerate(node.value) if index not in removed]
    items = ", ".join(text[item.start_mark.index : item.end_mark.index] for item in kept)
    return [_Edit(node.start_mark.index, node.end_mark.index, f"[{items}]")]


def _block(text: str, node: yaml.SequenceNode, removed: set[int]) -> list[_Edit]:
    """Whole lines: an item of a block list begins with its dash on a line of its own."""
    starts = [_line_start(text, item.start_mark.line) for item in node.value]
    edits = [
        _Edit(starts[index], _line_start(text, _last_line(item) + 1), "")
        for index, item in enumerate(node.value)
        if index in removed
    ]
    if len(removed) == len(node.value):
        edits[0] = _Edit(edits[0].start, edits[0].end, " " * node.start_mark.column + "  []\n")
    return edits


def _last_line(node: yaml.Node) -> int:
    """The last line with content of a node: PyYAML's own end of a block is where the next token begins."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False):
        # A block scalar ends at the beginning of the next line.
        ends_before = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        return int(node.end_mark.line) - (1 if ends_before and node.end_mark.column == 0 else 0)
    below = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
    return max((_last_line(part) for part in below), default=int(node.start_mark.line))


def _line_start(text: str, line: int) -> int:
    """Where a line begins, counted from 0; the end of the text behind the last one."""
    place = 0
    for _ in range(line):
        place = text.find("\n", place) + 1
        if not place:
            return len(text)
    return place
