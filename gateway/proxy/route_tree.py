"""The paths of routes as trees of segments: which places match a path, the most specific first.

A literal segment goes before a `{name}`, from the left. Where both match as far, the longer path goes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.http.path_readings import RouteSegments
from gateway.proxy.route_place import RoutePlace

Places = tuple[RoutePlace, ...]
"""More than one where an eager reader merges their paths."""


class Match(NamedTuple):
    """The places at one path that matches."""

    length: int
    """Segments of the request that the path takes."""
    exact: Places
    """Of routes for this path only. They go before the others."""
    prefix: Places


@dataclass(slots=True)
class _Node:
    """One segment in a tree of paths."""

    children: dict[str, _Node] = field(default_factory=lambda: _NONE)
    folded: dict[str, _Node] = field(default_factory=lambda: _NONE)
    """By their text in lower case: of paths in which case does not matter."""
    template: _Node | None = None
    prefix: Places = ()
    exact: Places = ()

    def child(self, segment: str | None, *, fold: bool) -> _Node:
        """The node below, which is made where there is none."""
        if segment is None:
            if self.template is None:
                self.template = _Node()
            return self.template
        if fold:
            if self.folded is _NONE:
                self.folded = {}
            return self.folded.setdefault(segment, _Node())
        if self.children is _NONE:
            self.children = {}
        return self.children.setdefault(segment, _Node())


_NONE: Final[dict[str, _Node]] = {}
"""What nodes without any below share: most have none."""


class _PathTree:
    """Places by the segments of their path."""

    def __init__(self) -> None:
        self._root = _Node()
        self.literal = True
        """Whether the longest path that matches is all there is to look for."""

    def add(self, segments: RouteSegments, place: RoutePlace, *, exact: bool, fold: bool, last: bool) -> None:
        """Adds a place, unless it is there already.

        `fold`: case does not matter. `last`: it takes every request for its path, so that no less specific
        one can be meant.
        """
        node = self._root
        # `/` has no segments as a prefix of every path. As a path of its own it has an empty one.
        for segment in segments or (("",) if exact else ()):
            node = node.child(segment, fold=fold)
        if exact:
            node.exact = tuple(dict.fromkeys((*node.exact, place)))
        else:
            node.prefix = tuple(dict.fromkeys((*node.prefix, place)))
        self.literal = self.literal and last and not fold and None not in segments

    def find(self, segments: tuple[str, ...]) -> Iterator[Match] | tuple[Match, ...]:
        """The places that match, the most specific first."""
        return self._longest(segments) if self.literal else self._all(segments)

    def _longest(self, segments: tuple[str, ...]) -> tuple[Match, ...]:
        node = self._root
        best = node.prefix
        for segment in segments:
            below = node.children.get(segment)
            if below is None:
                return (Match(0, (), best),) if best else ()
            node = below
            best = node.prefix or best
        return (Match(0, node.exact, best),) if node.exact or best else ()

    def _all(self, segments: tuple[str, ...]) -> Iterator[Match]:
        """Walks the tree depth first, without recursion: a path may have a thousand segments."""
        stack: list[tuple[tuple[_Node, ...], int, bool]] = [((self._root,), 0, False)]
        while stack:
            nodes, depth, walked = stack.pop()
            if depth < len(segments) and not walked:
                stack.append((nodes, depth, True))
                stack += [(below, depth + 1, False) for below in _below(nodes, segments[depth])]
                continue
            exact = _places(nodes, exact=True) if depth == len(segments) else ()
            prefix = _places(nodes, exact=False)
            if exact or prefix:
                yield Match(depth, exact, prefix)


def _below(nodes: tuple[_Node, ...], segment: str) -> Iterator[tuple[_Node, ...]]:
    """The nodes below, the most specific last."""
    templates = tuple([node.template for node in nodes if node.template is not None]) if segment else ()
    if templates:
        yield templates
    folded = segment.casefold()
    literal = [node.children.get(segment) for node in nodes]
    literal += [node.folded.get(folded) for node in nodes]
    found = tuple([node for node in literal if node is not None])
    if found:
        yield found


def _places(nodes: tuple[_Node, ...], *, exact: bool) -> Places:
    return tuple([place for node in nodes for place in (node.exact if exact else node.prefix)])


class RoutePaths:
    """The paths of all hosts, in one reading."""

    def __init__(self) -> None:
        self._endpoints = _PathTree()
        self._any_host = _PathTree()
        self._hosts: dict[str, _PathTree] = {}
        self._suffixes: dict[str, _PathTree] = {}

    def add_endpoint(self, segments: RouteSegments, place: RoutePlace, *, exact: bool) -> None:
        """Adds an endpoint of the gateway, which no route can take."""
        self._endpoints.add(segments, place, exact=exact, fold=False, last=True)

    def add(
        self,
        host: str | None,
        segments: RouteSegments,
        place: RoutePlace,
        *,
        exact: bool,
        fold: bool,
        last: bool,
    ) -> None:
        """Adds a place of routes, as `_PathTree.add` does."""
        self._tree_of(host).add(segments, place, exact=exact, fold=fold, last=last)

    def find(self, host: str, segments: tuple[str, ...]) -> Iterator[Iterator[Match] | tuple[Match, ...]]:
        """An endpoint; else what matches, for each host from the nearest on."""
        endpoint = self._endpoints.find(segments)
        if endpoint:
            yield endpoint
            return
        if not self._hosts and not self._suffixes:
            yield self._any_host.find(segments)
            return
        for tree in self._trees(host):
            yield tree.find(segments)

    @property
    def literal(self) -> bool:
        """Whether the longest path that matches is all there is to look for, on every host."""
        return all(tree.literal for tree in (self._any_host, *self._hosts.values(), *self._suffixes.values()))

    def _trees(self, host: str) -> list[_PathTree]:
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        name = name.rstrip(".")
        trees = [self._hosts[name]] if name in self._hosts else []
        rest = name
        while "." in rest:
            rest = rest.partition(".")[2]
            if rest in self._suffixes:
                trees.append(self._suffixes[rest])
        return [*trees, self._any_host]

    def _tree_of(self, host: str | None) -> _PathTree:
        if host is None:
            return self._any_host
        if host.startswith("*."):
            return self._suffixes.setdefault(host[2:].lower(), _PathTree())
        return self._hosts.setdefault(host.lower(), _PathTree())
