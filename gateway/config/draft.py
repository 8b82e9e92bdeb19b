"""From the tree to the plain values that a model takes, and back from a value to its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.config.problem import KeyPath
from gateway.config.tree import Leaf, ListNode, MapNode, Node, child


@dataclass
class Draft:
    """What is left out of a tree, put in, or put in place of something.

    Faulty parts are left out, so that all the others can still be checked.
    """

    removed: set[KeyPath] = field(default_factory=set)
    """What is faulty."""
    taken: set[KeyPath] = field(default_factory=set)
    """What belongs to another model."""
    replaced: dict[KeyPath, Any] = field(default_factory=dict)
    """Other values for leaves."""
    added: dict[KeyPath, dict[str, Any]] = field(default_factory=dict)
    """Further keys for mappings, or other values for keys."""
    kept: dict[KeyPath, list[int]] = field(default_factory=dict)
    """Of lists that lost items: where the remaining ones stand in the file."""

    _touched: set[KeyPath] = field(default_factory=set)
    """All paths that something was left out at or beneath."""

    def plain(self, node: Node, path: KeyPath) -> Any:
        """The node as numbers, strings, lists and dicts."""
        if isinstance(node, Leaf):
            return self.replaced.get(path, node.value)
        if isinstance(node, ListNode):
            return self._list(node, path)
        values = {
            key: self.plain(entry.node, (*path, key))
            for key, entry in node.entries.items()
            if not self.gone(entry.node, (*path, key))
        }
        return values | self.added.get(path, {})

    def gone(self, node: Node, path: KeyPath) -> bool:
        """Whether a node is left out. A broken one is, from here on."""
        if isinstance(node, Leaf) and node.broken:
            self.remove(path)
        return path in self.removed or path in self.taken

    def remove(self, path: KeyPath) -> None:
        """Leaves out what lies at a path."""
        self.removed.add(path)
        self._touched.update(prefixes(path))

    def origin(self, path: KeyPath) -> KeyPath:
        """Where a value of the outcome stands in the file."""
        found: KeyPath = ()
        for part in path:
            kept = self.kept.get(found)
            found = (*found, kept[part] if kept and isinstance(part, int) and part < len(kept) else part)
        return found

    def locate(self, root: Node, base: KeyPath, location: tuple[str | int, ...]) -> KeyPath:
        """The path in the file of what pydantic calls `location`, which lies under `base`.

        Pydantic puts the names of unions' members in between; what is no key of the file is passed over.
        """
        node, path = root, base
        for part in location:
            kept = self.kept.get(path)
            step = kept[part] if kept and isinstance(part, int) and part < len(kept) else part
            below = child(node, step)
            if below is not None:
                node, path = below, (*path, step)
        return path

    def lost_parts(self, path: KeyPath) -> bool:
        """Whether something was left out at the path or beneath it."""
        return path in self._touched

    def affects(self, path: KeyPath) -> bool:
        """Whether something was left out at the path, above it or beneath it."""
        return self.lost_parts(path) or any(above in self.removed for above in prefixes(path))

    def _list(self, node: ListNode, path: KeyPath) -> list[Any]:
        items = [
            (index, item) for index, item in enumerate(node.items) if not self.gone(item, (*path, index))
        ]
        self.kept.pop(path, None)
        if len(items) < len(node.items):
            self.kept[path] = [index for index, _ in items]
        return [self.plain(item, (*path, index)) for index, item in items]


def prefixes(path: KeyPath) -> Iterator[KeyPath]:
    """The paths of a path's parents, from the root on, and the path."""
    return (path[:length] for length in range(len(path) + 1))


def without(node: MapNode, keys: tuple[str, ...]) -> MapNode:
    """A mapping without some of its keys, at the same place."""
    return MapNode(node.place, {key: entry for key, entry in node.entries.items() if key not in keys})
