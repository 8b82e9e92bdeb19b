"""Converts the tree to plain values for a model, and maps model paths back to the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from gateway.config.problems import KeyPath
from gateway.config.tree import Leaf, ListNode, MapNode, Node, child
from gateway.runtime.give_way import giving_way


@dataclass
class PartialModel:
    """Modifications of a tree before validation: removed, added and replaced parts.

    Invalid parts are removed so that the others can still be validated.
    """

    removed: set[KeyPath] = field(default_factory=set)
    """Invalid parts."""
    claimed: set[KeyPath] = field(default_factory=set)
    """Parts that another model validates."""
    replaced: dict[KeyPath, Any] = field(default_factory=dict)
    """Replacement values of leaves."""
    added: dict[KeyPath, dict[str, Any]] = field(default_factory=dict)
    """Keys added to mappings, or replacing existing keys."""
    remaining: dict[KeyPath, list[int]] = field(default_factory=dict)
    """For lists with removed items: the original indexes of the remaining ones."""

    items: Mapping[KeyPath, type[BaseModel]] = field(default_factory=dict)
    """Lists whose items are validated one by one, as they are converted, with the model of an item. Thousands
    at once take long, and no other thread can do anything meanwhile."""

    stand_ins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By list and key: what a required value that is missing or invalid is replaced by, with the item's
    position, so that the rest of the item can still be validated."""

    _touched: set[KeyPath] = field(default_factory=set)
    """All paths at or below which something was removed."""

    def plain(self, node: Node, path: KeyPath) -> Any:
        """The node as plain Python values."""
        if isinstance(node, Leaf):
            return self.replaced.get(path, node.value)
        if isinstance(node, ListNode):
            return self._list(node, path)
        values = {
            key: self.plain(entry.node, (*path, key))
            for key, entry in node.entries.items()
            if not self.excluded(entry.node, (*path, key))
        }
        return values | self.added.get(path, {})

    def excluded(self, node: Node, path: KeyPath) -> bool:
        """Whether a node is excluded. Broken leaves are removed on first sight."""
        if isinstance(node, Leaf) and node.broken:
            self.remove(path)
        return path in self.removed or path in self.claimed

    def remove(self, path: KeyPath) -> None:
        """Removes the value at a path."""
        self.removed.add(path)
        self._touched.update(prefixes(path))

    def stand_in(self, path: KeyPath) -> bool:
        """Replaces a required value that is missing or invalid. False: there is nothing to replace it by."""
        match path:
            case (str(section), int(position), str(key)) if (section, key) in self.stand_ins:
                text = self.stand_ins[section, key].format(position)
                self.added.setdefault(path[:-1], {})[key] = text
                self.remove(path)
                return True
        return False

    def origin(self, path: KeyPath) -> KeyPath:
        """Maps a path in the validated model to its path in the file."""
        found: KeyPath = ()
        for part in path:
            remaining = self.remaining.get(found)
            found = (
                *found,
                remaining[part] if remaining and isinstance(part, int) and part < len(remaining) else part,
            )
        return found

    def locate(self, root: Node, base: KeyPath, location: tuple[str | int, ...]) -> KeyPath:
        """Maps a pydantic error location below `base` to a path in the file.

        Pydantic inserts the names of union members; parts that are no keys of the file are skipped.
        """
        node, path = root, base
        for part in location:
            remaining = self.remaining.get(path)
            step = remaining[part] if remaining and isinstance(part, int) and part < len(remaining) else part
            below = child(node, step)
            if below is not None:
                node, path = below, (*path, step)
        return path

    def has_removed_parts(self, path: KeyPath) -> bool:
        """Whether something was removed at or below the path."""
        return path in self._touched

    def affects(self, path: KeyPath) -> bool:
        """Whether something was removed at, above or below the path."""
        return self.has_removed_parts(path) or any(above in self.removed for above in prefixes(path))

    def _list(self, node: ListNode, path: KeyPath) -> list[Any]:
        items = [
            (index, item)
            for index, item in enumerate(giving_way(node.items))
            if not self.excluded(item, (*path, index))
        ]
        self.remaining.pop(path, None)
        if len(items) < len(node.items):
            self.remaining[path] = [index for index, _ in items]
        model = self.items.get(path)
        if model is None:
            return [self.plain(item, (*path, index)) for index, item in items]
        return [_validated(model, self.plain(item, (*path, index))) for index, item in giving_way(items)]


def _validated(model: type[BaseModel], values: Any) -> Any:
    """The model of these values; where they are invalid, the values: what is wrong is said when the whole is
    validated."""
    try:
        return model.model_validate(values)
    except Exception:
        return values


def prefixes(path: KeyPath) -> Iterator[KeyPath]:
    """All prefixes of a path from the root, the path included."""
    return (path[:length] for length in range(len(path) + 1))


def without(node: MapNode, keys: tuple[str, ...]) -> MapNode:
    """A copy of the mapping without some keys."""
    return MapNode(node.place, {key: entry for key, entry in node.entries.items() if key not in keys})
