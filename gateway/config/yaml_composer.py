"""Builds the tree from YAML text; rejects unsafe or ambiguous constructs.

It works on parser events: PyYAML's own composer recurses without a limit and loses the positions of aliases.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from gateway.config.problems import ConfigIssue, KeyPath, Place
from gateway.config.scalars import is_merge, scalar_value
from gateway.config.tree import Entry, Leaf, ListNode, MapNode, Node
from gateway.runtime.give_way import give_way

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""Line breaks of YAML 1.1."""

MAX_DEPTH = 40
"""Maximum nesting; a gateway.yaml needs about ten levels."""
TOO_DEEP = "is nested too deeply"
LIBYAML_TOO_DEEP = "exceeded maximum nesting depth"
"""libyaml's own limit is higher, but it scans ahead and may reach it before a deep document's first event."""
MAX_ALIASED_NODES = 100_000
"""Total nodes that aliases may expand to, against "billion laughs" documents."""


class UnreadableYaml(Exception):  # noqa: N818 (reads better than …Error)
    """The text can't be parsed any further."""

    def __init__(self, issue: ConfigIssue) -> None:
        super().__init__(issue.text)
        self.issue = issue


def compose(text: str, file: str = "") -> tuple[Node | None, list[ConfigIssue]]:
    """Parses YAML. Returns the tree (None if it can't be parsed) and the issues.

    `file`: its name, if it is an included file.
    """
    composer = _Composer(text, file)
    try:
        root = composer.document()
    except UnreadableYaml as error:
        return None, [*composer.issues, error.issue]
    except yaml.YAMLError as error:
        return None, [*composer.issues, _syntax_issue(text, error, file)]
    return root, composer.issues


class _Composer:
    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._loader = Loader(text)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open_anchors: set[str] = set()
        self._node_count = 0
        self._aliased_nodes = 0
        self.issues: list[ConfigIssue] = []

    def document(self) -> Node:
        self._next(yaml.StreamStartEvent)
        if self._loader.check_event(yaml.StreamEndEvent):
            raise UnreadableYaml(ConfigIssue(Place(1, 1, self._file), (), "the file is empty"))
        self._next(yaml.DocumentStartEvent)
        root = self._node(())
        self._next(yaml.DocumentEndEvent)
        if not self._loader.check_event(yaml.StreamEndEvent):
            place = self._place(self._loader.peek_event())
            raise UnreadableYaml(ConfigIssue(place, (), "a second document begins here; only one is allowed"))
        return root

    def _place(self, event: Any) -> Place:
        return Place(event.start_mark.line + 1, event.start_mark.column + 1, self._file)

    def _next(self, kind: Any = yaml.Event) -> Any:
        event = self._loader.get_event()
        assert isinstance(event, kind)  # noqa: S101 (guaranteed by the parser's grammar)
        return event

    def _node(self, path: KeyPath) -> Node:
        event = self._next()
        if len(path) > MAX_DEPTH:
            raise UnreadableYaml(ConfigIssue(self._place(event), path, TOO_DEEP))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        self._node_count += 1
        if event.anchor is None:
            return self._content(event, path)
        before = self._node_count
        self._open_anchors.add(event.anchor)
        node = self._content(event, path)
        self._open_anchors.discard(event.anchor)
        self._anchors[event.anchor] = (node, self._node_count - before + 1)
        return node

    def _content(self, event: Any, path: KeyPath) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._leaf(event, path)
        if event.tag not in (None, "!", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"):
            self.issues.append(ConfigIssue(self._place(event), path, "this YAML tag is not supported"))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(event, path)
        return self._mapping(event, path)

    def _alias(self, event: Any, path: KeyPath) -> Node:
        if event.anchor in self._open_anchors:
            raise UnreadableYaml(ConfigIssue(self._place(event), path, "recursive YAML alias"))
        if event.anchor not in self._anchors:
            # The message omits the alias: it may be an unquoted secret.
            raise UnreadableYaml(
                ConfigIssue(
                    self._place(event),
                    path,
                    "an alias without its anchor (text that begins with * needs quotes)",
                )
            )
        node, count = self._anchors[event.anchor]
        self._node_count += count
        self._aliased_nodes += count
        if self._aliased_nodes > MAX_ALIASED_NODES:
            text = f"the aliases stand for more than {MAX_ALIASED_NODES} values"
            raise UnreadableYaml(ConfigIssue(self._place(event), path, text))
        return node

    def _leaf(self, event: yaml.ScalarEvent, path: KeyPath) -> Leaf:
        try:
            return Leaf(self._place(event), scalar_value(event))
        except ValueError as error:
            self.issues.append(ConfigIssue(self._place(event), path, str(error)))
            return Leaf(self._place(event), None, broken=True)

    def _list(self, event: Any, path: KeyPath) -> ListNode:
        node = ListNode(self._place(event))
        while not self._loader.check_event(yaml.SequenceEndEvent):
            give_way()
            node.items.append(self._node((*path, len(node.items))))
        self._next()
        return node

    def _mapping(self, event: Any, path: KeyPath) -> MapNode:
        node = MapNode(self._place(event))
        merged: list[tuple[Place, Node]] = []
        while not self._loader.check_event(yaml.MappingEndEvent):
            self._entry(node, merged, path)
        self._next()
        for place, source in merged:
            self._merge(node, source, place, path)
        return node

    def _entry(self, node: MapNode, merged: list[tuple[Place, Node]], path: KeyPath) -> None:
        if not self._loader.check_event(yaml.ScalarEvent):
            place = self._place(self._loader.peek_event())
            self.issues.append(ConfigIssue(place, path, "a key must be plain text"))
            self._node((*path, "?"))
            self._node((*path, "?"))
            return
        event = self._next()
        place, key = self._place(event), str(event.value)
        value = self._node((*path, key))
        if is_merge(event):
            merged.append((place, value))
        elif key in node.entries:
            first = node.entries[key].place.line
            self.issues.append(
                ConfigIssue(place, (*path, key), f"duplicate key (the first is on line {first})")
            )
        else:
            node.entries[key] = Entry(place, value)

    def _merge(self, node: MapNode, source: Node, place: Place, path: KeyPath) -> None:
        for mapping in source.items if isinstance(source, ListNode) else [source]:
            if not isinstance(mapping, MapNode):
                self.issues.append(
                    ConfigIssue(place, (*path, "<<"), "takes a mapping, or a list of mappings")
                )
                continue
            for key, entry in mapping.entries.items():
                node.entries.setdefault(key, entry)


def _syntax_issue(text: str, error: yaml.YAMLError, file: str) -> ConfigIssue:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        # Errors of the YAML reader have a position instead of a mark.
        before = LINE_BREAK.split(text[: getattr(error, "position", 0) or 0])
        place = Place(len(before), len(before[-1]) + 1, file)
        return ConfigIssue(place, (), "has a character that YAML does not allow")
    lines = LINE_BREAK.split(text)
    # libyaml reports an unexpected end on the line after the last.
    line = min(mark.line, len(lines) - 1)
    column = mark.column if line == mark.line else len(lines[line])
    place = Place(line + 1, column + 1, file)
    if getattr(error, "problem", None) == LIBYAML_TOO_DEEP:
        return ConfigIssue(place, (), TOO_DEEP)
    if lines[line][:column].endswith("$") and lines[line][column:].startswith("{"):
        return ConfigIssue(place, (), "inside [ ] and { }, text with ${…} needs quotes")
    if lines[line][column:].startswith("\t"):
        return ConfigIssue(place, (), "is not YAML: a tab stands here, and only spaces may indent")
    return ConfigIssue(place, (), "is not YAML: " + _reason(error, line))


def _reason(error: yaml.YAMLError, line: int) -> str:
    context, problem = getattr(error, "context", None), getattr(error, "problem", None)
    start = getattr(error, "context_mark", None)
    if context and start and start.line != line:
        context += f" that begins on line {start.line + 1}"
    return ", ".join(part for part in (context, problem) if part)
