"""A YAML document as a tree of nodes with their positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.config.problems import KeyPath, Place
from gateway.runtime.give_way import let_go

LeafValue = str | int | float | bool | None


@dataclass(slots=True)
class Leaf:
    """A string, number, boolean or null."""

    place: Place
    value: LeafValue
    from_environment: bool = False
    """Whether the value contains an environment variable: it is then never shown."""
    broken: bool = False
    """Whether the value is invalid and already reported."""


@dataclass(slots=True)
class ListNode:
    """A sequence."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """An entry of a mapping: the position of its key, and its value."""

    place: Place
    node: Node


@dataclass(slots=True)
class MapNode:
    """A mapping. Keys are kept as written: `on` is the key `on`, although YAML 1.1 reads it as true."""

    place: Place
    entries: dict[str, Entry] = field(default_factory=dict)


Node = Leaf | ListNode | MapNode


def child(node: Node | None, part: str | int) -> Node | None:
    """The child at a key or list index, or None."""
    if isinstance(node, MapNode) and isinstance(part, str) and part in node.entries:
        return node.entries[part].node
    if isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def find(root: Node, path: KeyPath) -> Node | None:
    """The node at a path, or None."""
    node: Node | None = root
    for part in path:
        node = child(node, part)
    return node


def nearest(root: Node, path: KeyPath) -> Node:
    """The node at a path, or at its longest existing prefix."""
    node = root
    for part in path:
        below = child(node, part)
        if below is None:
            break
        node = below
    return node


def key_place(root: Node, path: KeyPath) -> Place:
    """The position of a path's last key, or of the item for a list index."""
    holder = nearest(root, path[:-1])
    if path and isinstance(holder, MapNode) and path[-1] in holder.entries:
        return holder.entries[str(path[-1])].place
    return nearest(root, path).place


def dissolve(root: Node) -> None:
    """Takes apart a tree that is no longer needed, so that a large one is freed piece by piece."""
    for entry in root.entries.values() if isinstance(root, MapNode) else ():
        if isinstance(entry.node, ListNode):
            let_go(entry.node.items)
        elif isinstance(entry.node, MapNode):
            parts = list(entry.node.entries.values())
            entry.node.entries.clear()
            let_go(parts)


def leaves(node: Node) -> Iterator[Leaf]:
    """All values at or below a node, in order."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from leaves(item)
    else:
        for entry in node.entries.values():
            yield from leaves(entry.node)
