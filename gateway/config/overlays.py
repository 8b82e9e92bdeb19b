"""`extends`: a file of one environment, laid over the configuration that all environments share.

Mappings are merged key by key, anything else replaces what the other file has. Items of `clients`,
`portal.users` and `routes` are known by their identity: one that the other file has is merged, too, and
others are added. null over a mapping or a list takes it out, so that its defaults hold again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from glob import has_magic

from gateway.config.environment import substitute
from gateway.config.includes import NO_MAPPING, IncludeReader, merge_includes
from gateway.config.problems import ConfigIssue, KeyPath
from gateway.config.tree import Entry, Leaf, ListNode, MapNode, Node, child, leaves
from gateway.config.yaml_composer import compose

EXTENDS = "extends"

Identity = Callable[[Node], object | None]
"""What is the same for two items that are one; None: it has no identity."""


def extend(root: MapNode, read: IncludeReader, environ: Mapping[str, str]) -> list[ConfigIssue]:
    """Lays the root over the configuration that its `extends` names. Returns all issues."""
    return _extend(root, read, environ, frozenset())


def _extend(
    root: MapNode, read: IncludeReader, environ: Mapping[str, str], above: frozenset[str]
) -> list[ConfigIssue]:
    leaf = child(root, EXTENDS)
    # Anything else is reported when the model is validated.
    if not isinstance(leaf, Leaf) or not isinstance(leaf.value, str) or not leaf.value or leaf.broken:
        return []
    files = [] if has_magic(leaf.value) else read(leaf.value)
    if len(files) != 1 or files[0].name in above:
        return [_issue(leaf, "must name one other file, which does not extend this one")]
    (file,) = files
    if file.problem:
        return [_issue(leaf, f"{file.name} {file.problem}")]
    base, issues = compose(file.text, file.name)
    if not isinstance(base, MapNode):
        return issues if base is None else [*issues, ConfigIssue(base.place, (), NO_MAPPING)]
    issues += substitute(base, environ)
    beside = _beside(leaf.value, read)
    issues += _extend(base, beside, environ, above | {file.name})
    issues += merge_includes(base, _without(file.name, beside), environ)
    for key in ("include", EXTENDS):
        base.entries.pop(key, None)
    root.entries = _merged(base, root, ()).entries
    # A value that is replaced may refer to a variable that is not set.
    replaced = {found.place for found in leaves(base) if found.broken} - {
        found.place for found in leaves(root)
    }
    return [issue for issue in issues if issue.place not in replaced]


def _issue(leaf: Leaf, text: str) -> ConfigIssue:
    return ConfigIssue(leaf.place, (EXTENDS,), text)


def _beside(name: str, read: IncludeReader) -> IncludeReader:
    """Reads what another file names, relative to the folder of that file."""
    folder = os.path.dirname(name)
    return lambda pattern: read(os.path.join(folder, pattern))


def _without(name: str, read: IncludeReader) -> IncludeReader:
    """A file's own pattern may match its own name."""
    return lambda pattern: [file for file in read(pattern) if file.name != name]


def _merged(base: MapNode, over: MapNode, path: KeyPath) -> MapNode:
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        below = entries.get(key)
        if below is not None and not isinstance(below.node, Leaf) and _is_null(entry.node):
            del entries[key]
        elif below is not None:
            entries[key] = Entry(entry.place, _laid_over(below.node, entry.node, (*path, key)))
        else:
            entries[key] = entry
    return MapNode(over.place, entries)


def _is_null(node: Node) -> bool:
    return isinstance(node, Leaf) and node.value is None and not node.broken


def _laid_over(base: Node, over: Node, path: KeyPath) -> Node:
    if isinstance(base, MapNode) and isinstance(over, MapNode):
        return _merged(base, over, path)
    identity = IDENTITIES.get(path)
    if identity is not None and isinstance(base, ListNode) and isinstance(over, ListNode):
        return _merged_items(base, over, identity, path)
    return over


def _merged_items(base: ListNode, over: ListNode, identity: Identity, path: KeyPath) -> ListNode:
    items, known = list(base.items), [identity(item) for item in base.items]
    for item in over.items:
        wanted = identity(item)
        if wanted is not None and wanted in known:
            place = known.index(wanted)
            items[place] = _laid_over(items[place], item, (*path, place))
        else:
            items.append(item)
    return ListNode(over.place, items)


def _plain(node: Node | None) -> object:
    """Equal for equal values, wherever they stand; the order of a list does not matter."""
    if isinstance(node, MapNode):
        return frozenset((key, _plain(entry.node)) for key, entry in node.entries.items())
    if isinstance(node, ListNode):
        return frozenset(_plain(item) for item in node.items)
    return None if node is None else node.value


def _by(*keys: str) -> Identity:
    """The values of these keys. The first is required."""

    def identity(item: Node) -> object | None:
        values = tuple(_plain(child(item, key)) for key in keys)
        return None if values[0] is None else values

    return identity


IDENTITIES: Mapping[KeyPath, Identity] = {
    ("clients",): _by("id"),
    ("portal", "users"): _by("name"),
    ("routes",): _by("path", "methods", "host", "match", "where"),
}
"""Lists whose items are known by something."""
