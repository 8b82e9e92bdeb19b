"""Validates the plugins' configurations, each with its plugin's model."""

from __future__ import annotations

from pydantic import BaseModel

from gateway.config.decode import decode
from gateway.config.grants import ON_BY_DEFAULT
from gateway.config.partial_model import PartialModel, without
from gateway.config.plugin_lookup import Kind, PluginLookup
from gateway.config.plugins import NoConfig
from gateway.config.problems import ConfigIssue, KeyPath, suggest
from gateway.config.tree import Leaf, ListNode, MapNode, Node, child, key_place
from gateway.runtime.give_way import giving_way

GRANT_KEYS = ("enabled", "use")
"""The keys of a grant that do not belong to its plugin."""


class PluginConfigs:
    """Adds every plugin's validated configuration to the partial model and collects issues."""

    def __init__(self, root: MapNode, catalog: PluginLookup, partial: PartialModel) -> None:
        self._root = root
        self._catalog = catalog
        self._partial = partial
        self.issues: list[ConfigIssue] = []

    def decode(self) -> None:
        self._uses(child(self._root, "plugins"), ("plugins",))
        routes = child(self._root, "routes")
        for index, route in enumerate(giving_way(routes.items if isinstance(routes, ListNode) else ())):
            self._uses(child(route, "plugins"), ("routes", index, "plugins"))
        self._grants(child(self._root, "grants"))

    def _uses(self, node: Node | None, path: KeyPath) -> None:
        for index, item in enumerate(node.items if isinstance(node, ListNode) else ()):
            if isinstance(item, MapNode):
                self._partial.added[(*path, index)] = {"with": self._use(item, (*path, index))}

    def _use(self, item: MapNode, path: KeyPath) -> BaseModel:
        use = child(item, "use")
        if not isinstance(use, Leaf) or not isinstance(use.value, str) or use.broken:
            return NoConfig()
        own = child(item, "with") or MapNode(item.place)
        model = self._model(use, "proxy", (*path, "use"))
        return self._config(model, own, (*path, "with"))

    def _grants(self, node: Node | None) -> None:
        if node is not None and not isinstance(node, MapNode):
            return
        grants = node.entries if node else {}
        if ON_BY_DEFAULT not in grants:
            place = node.place if node else self._root.place
            model = self._model(Leaf(place, ON_BY_DEFAULT), "grant", ("grants",))
            config = self._config(model, MapNode(place), ("grants", ON_BY_DEFAULT))
            path: KeyPath = ("grants",) if node else ()
            settings = {ON_BY_DEFAULT: {"enabled": True, "config": config}}
            self._partial.added[path] = settings if node else {"grants": settings}
        for name, entry in grants.items():
            if isinstance(entry.node, MapNode):
                self._grant(name, entry.node)

    def _grant(self, name: str, node: MapNode) -> None:
        path: KeyPath = ("grants", name)
        use = child(node, "use")
        if isinstance(use, Leaf) and isinstance(use.value, str):
            model = self._model(use, "grant", (*path, "use"))
        else:
            model = self._model(Leaf(key_place(self._root, path), name), "grant", path)
        own = without(node, GRANT_KEYS)
        added: dict[str, object] = {"config": self._config(model, own, path, GRANT_KEYS)}
        if "enabled" not in node.entries:
            added["enabled"] = name == ON_BY_DEFAULT
        self._partial.claimed.update((*path, key) for key in own.entries)
        self._partial.added[path] = added

    def _model(self, use: Leaf, kind: Kind, path: KeyPath) -> type[BaseModel] | None:
        if use.broken:
            return None
        try:
            return self._catalog.config_model(str(use.value), kind)
        except Exception as error:
            # Only the text of a LookupError is a message; importing a plugin's module may raise anything.
            printable = isinstance(error, LookupError) and error.args and not use.from_environment
            text = (
                " ".join(str(error.args[0]).split())
                if printable
                else f"names no usable plugin ({type(error).__name__})"
            )
            hint = suggest(use.value, self._catalog.names(kind))
            self.issues.append(ConfigIssue(use.place, path, text + hint))
            return None

    def _config(
        self, model: type[BaseModel] | None, own: Node, path: KeyPath, siblings: tuple[str, ...] = ()
    ) -> BaseModel:
        if model is None:
            return NoConfig()
        config, issues = decode(model, own, path, PartialModel(), siblings)
        self.issues += issues
        return config or NoConfig()
