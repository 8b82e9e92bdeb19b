"""Decodes the plugins' own keys, each with its plugin's model."""

from __future__ import annotations

from pydantic import BaseModel

from gateway.config.catalog import Catalog, Kind
from gateway.config.decode import decode
from gateway.config.draft import Draft, without
from gateway.config.grants import ON_BY_DEFAULT
from gateway.config.plugins import NoConfig
from gateway.config.problem import Fault, KeyPath, suggest
from gateway.config.tree import Leaf, ListNode, MapNode, Node, child, key_place

OF_GRANTS = ("enabled", "use")
"""The keys of a grant that are not its plugin's."""


class PluginConfigs:
    """Puts every plugin's decoded configuration into the draft, and collects what is wrong."""

    def __init__(self, root: MapNode, catalog: Catalog, draft: Draft) -> None:
        self._root = root
        self._catalog = catalog
        self._draft = draft
        self.faults: list[Fault] = []

    def decode(self) -> None:
        self._uses(child(self._root, "plugins"), ("plugins",))
        routes = child(self._root, "routes")
        for index, route in enumerate(routes.items if isinstance(routes, ListNode) else ()):
            self._uses(child(route, "plugins"), ("routes", index, "plugins"))
        self._grants(child(self._root, "grants"))

    def _uses(self, node: Node | None, path: KeyPath) -> None:
        for index, item in enumerate(node.items if isinstance(node, ListNode) else ()):
            if isinstance(item, MapNode):
                self._draft.added[(*path, index)] = {"with": self._use(item, (*path, index))}

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
            self._draft.added[path] = settings if node else {"grants": settings}
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
        own = without(node, OF_GRANTS)
        added: dict[str, object] = {"config": self._config(model, own, path, OF_GRANTS)}
        if "enabled" not in node.entries:
            added["enabled"] = name == ON_BY_DEFAULT
        self._draft.taken.update((*path, key) for key in own.entries)
        self._draft.added[path] = added

    def _model(self, use: Leaf, kind: Kind, path: KeyPath) -> type[BaseModel] | None:
        if use.broken:
            return None
        try:
            return self._catalog.config_model(str(use.value), kind)
        except Exception as error:
            # Only a LookupError's text is made for people; a plugin's module may fail in any way.
            told = isinstance(error, LookupError) and error.args and not use.from_environment
            text = (
                " ".join(str(error.args[0]).split())
                if told
                else f"names no usable plugin ({type(error).__name__})"
            )
            hint = suggest(use.value, self._catalog.names(kind))
            self.faults.append(Fault(use.place, path, text + hint))
            return None

    def _config(
        self, model: type[BaseModel] | None, own: Node, path: KeyPath, beside: tuple[str, ...] = ()
    ) -> BaseModel:
        if model is None:
            return NoConfig()
        config, faults = decode(model, own, path, Draft(), beside)
        self.faults += faults
        return config or NoConfig()
