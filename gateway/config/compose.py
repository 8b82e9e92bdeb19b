"""Builds the tree from YAML text, and refuses what would make it unsafe or unclear.

It takes the parser's events one by one: PyYAML's own composer goes down a deeply nested document until
the process crashes, and it forgets where an alias stood.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from gateway.config.problem import START, Fault, KeyPath, Place
from gateway.config.scalars import is_merge, scalar_value
from gateway.config.tree import Entry, Leaf, ListNode, MapNode, Node

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What YAML 1.1 counts as the end of a line."""

DEEPEST = 40
"""Levels of nesting; a gateway.yaml needs about ten."""
MOST_BY_ALIAS = 100_000
"""Values that aliases may stand for, all told: a few lines of them can stand for billions."""


class Unreadable(Exception):  # noqa: N818 (it says what the text is)
    """The text can't be read on from here."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text)
        self.fault = fault


def compose(text: str) -> tuple[Node | None, list[Fault]]:
    """The tree of a YAML text, and what is wrong with it; no tree where it can't be read."""
    composer = _Composer(text)
    try:
        root = composer.document()
    except Unreadable as error:
        return None, [*composer.faults, error.fault]
    except yaml.YAMLError as error:
        return None, [*composer.faults, _syntax_fault(text, error)]
    return root, composer.faults


class _Composer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._loader = Loader(text)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open: set[str] = set()
        self._weight = 0
        self._by_alias = 0
        self.faults: list[Fault] = []

    def document(self) -> Node:
        self._next(yaml.StreamStartEvent)
        if self._loader.check_event(yaml.StreamEndEvent):
            raise Unreadable(Fault(START, (), "the file is empty"))
        self._next(yaml.DocumentStartEvent)
        root = self._node(())
        self._next(yaml.DocumentEndEvent)
        if not self._loader.check_event(yaml.StreamEndEvent):
            place = _place(self._loader.peek_event())
            raise Unreadable(Fault(place, (), "a second document begins here; only one is allowed"))
        return root

    def _next(self, kind: Any = yaml.Event) -> Any:
        event = self._loader.get_event()
        assert isinstance(event, kind)  # noqa: S101 (the parser's grammar gives no other event here)
        return event

    def _node(self, path: KeyPath) -> Node:
        event = self._next()
        if len(path) > DEEPEST:
            raise Unreadable(Fault(_place(event), path, "is nested too deeply"))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        self._weight += 1
        if event.anchor is None:
            return self._content(event, path)
        before = self._weight
        self._open.add(event.anchor)
        node = self._content(event, path)
        self._open.discard(event.anchor)
        self._anchors[event.anchor] = (node, self._weight - before + 1)
        return node

    def _content(self, event: Any, path: KeyPath) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._leaf(event, path)
        if event.tag not in (None, "!", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"):
            self.faults.append(Fault(_place(event), path, "this YAML tag is not supported"))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(event, path)
        return self._mapping(event, path)

    def _alias(self, event: Any, path: KeyPath) -> Node:
        if event.anchor in self._open:
            raise Unreadable(Fault(_place(event), path, "this alias stands inside what it stands for"))
        if event.anchor not in self._anchors:
            # The alias is not named: it may be a secret that lacks its quotes.
            raise Unreadable(
                Fault(
                    _place(event), path, "an alias without its anchor (text that begins with * needs quotes)"
                )
            )
        node, weight = self._anchors[event.anchor]
        self._weight += weight
        self._by_alias += weight
        if self._by_alias > MOST_BY_ALIAS:
            text = f"the aliases stand for more than {MOST_BY_ALIAS} values"
            raise Unreadable(Fault(_place(event), path, text))
        return node

    def _leaf(self, event: yaml.ScalarEvent, path: KeyPath) -> Leaf:
        try:
            return Leaf(_place(event), scalar_value(event))
        except ValueError as error:
            self.faults.append(Fault(_place(event), path, str(error)))
            return Leaf(_place(event), None, broken=True)

    def _list(self, event: Any, path: KeyPath) -> ListNode:
        node = ListNode(_place(event))
        while not self._loader.check_event(yaml.SequenceEndEvent):
            node.items.append(self._node((*path, len(node.items))))
        self._next()
        return node

    def _mapping(self, event: Any, path: KeyPath) -> MapNode:
        node = MapNode(_place(event))
        merged: list[tuple[Place, Node]] = []
        while not self._loader.check_event(yaml.MappingEndEvent):
            self._entry(node, merged, path)
        self._next()
        for place, source in merged:
            self._merge(node, source, place, path)
        return node

    def _entry(self, node: MapNode, merged: list[tuple[Place, Node]], path: KeyPath) -> None:
        if not self._loader.check_event(yaml.ScalarEvent):
            place = _place(self._loader.peek_event())
            self.faults.append(Fault(place, path, "a key must be plain text"))
            self._node((*path, "?"))
            self._node((*path, "?"))
            return
        event = self._next()
        place, key = _place(event), str(event.value)
        value = self._node((*path, key))
        if is_merge(event):
            merged.append((place, value))
        elif key in node.entries:
            first = node.entries[key].place.line
            self.faults.append(Fault(place, (*path, key), f"the same key stands on line {first} already"))
        else:
            node.entries[key] = Entry(place, value)

    def _merge(self, node: MapNode, source: Node, place: Place, path: KeyPath) -> None:
        for mapping in source.items if isinstance(source, ListNode) else [source]:
            if not isinstance(mapping, MapNode):
                self.faults.append(Fault(place, (*path, "<<"), "takes a mapping, or a list of mappings"))
                continue
            for key, entry in mapping.entries.items():
                node.entries.setdefault(key, entry)


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _syntax_fault(text: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        # Only the reader's errors have no mark; they have the character's position.
        before = LINE_BREAK.split(text[: getattr(error, "position", 0) or 0])
        return Fault(Place(len(before), len(before[-1]) + 1), (), "has a character that YAML does not allow")
    lines = LINE_BREAK.split(text)
    # libyaml places a premature end on the line after the last.
    line = min(mark.line, len(lines) - 1)
    column = mark.column if line == mark.line else len(lines[line])
    place = Place(line + 1, column + 1)
    if lines[line][:column].endswith("$") and lines[line][column:].startswith("{"):
        return Fault(place, (), "inside [ ] and { }, text with ${…} needs quotes")
    return Fault(place, (), "is not YAML: " + _reason(error, line))


def _reason(error: yaml.YAMLError, line: int) -> str:
    context, problem = getattr(error, "context", None), getattr(error, "problem", None)
    began = getattr(error, "context_mark", None)
    if context and began and began.line != line:
        context += f" that begins on line {began.line + 1}"
    return ", ".join(part for part in (context, problem) if part)
