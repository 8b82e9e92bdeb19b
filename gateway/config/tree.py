"""A YAML document as a tree whose every node knows its place."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.config.problem import KeyPath, Place

LeafValue = str | int | float | bool | None


@dataclass(slots=True)
class Leaf:
    """A string, number, boolean or null."""

    place: Place
    value: LeafValue
    from_environment: bool = False
    """Whether the environment had a part in the value: then it is never shown."""
    broken: bool = False
    """Whether the value is unusable, and a fault already says so."""


@dataclass(slots=True)
class ListNode:
    """A sequence."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """A mapping's key, with its own place, and what it holds."""

    place: Place
    node: Node


@dataclass(slots=True)
class MapNode:
    """A mapping. Its keys are text as it was written: `on` is the key `on`, though YAML 1.1 reads `true`."""

    place: Place
    entries: dict[str, Entry] = field(default_factory=dict)


Node = Leaf | ListNode | MapNode


def child(node: Node | None, part: str | int) -> Node | None:
    """What lies under a key or at a list's position; None where nothing does."""
    if isinstance(node, MapNode) and isinstance(part, str) and part in node.entries:
        return node.entries[part].node
    if isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def find(root: Node, path: KeyPath) -> Node | None:
    """What lies at a path; None where nothing does."""
    node: Node | None = root
    for part in path:
        node = child(node, part)
    return node


def nearest(root: Node, path: KeyPath) -> Node:
    """What lies at a path, or at the longest part of it that is in the file."""
    node = root
    for part in path:
        below = child(node, part)
        if below is None:
            break
        node = below
    return node


def key_place(root: Node, path: KeyPath) -> Place:
    """Where the last key of a path is written, or, for a list's item, the item."""
    holder = nearest(root, path[:-1])
    if path and isinstance(holder, MapNode) and path[-1] in holder.entries:
        return holder.entries[str(path[-1])].place
    return nearest(root, path).place
