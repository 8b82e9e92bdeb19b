"""Finds a plugin by what gateway.yaml calls it, and refuses one that is not whole.

A name is a built-in's, an installed entry point's in the group `gatepost.plugins`, or `module:Class`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

from pydantic import BaseModel

from gateway.plugin import HOOKS, GrantPlugin, Plugin, ProxyPlugin

Kind = Literal["grant", "proxy"]
ENTRY_POINTS = "gatepost.plugins"
BASES: dict[Kind, type[Plugin]] = {"grant": GrantPlugin, "proxy": ProxyPlugin}
BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "grant": {
        "client_credentials": "plugins.client_credentials:ClientCredentials",
        "password": "plugins.password:Password",
        "refresh_token": "plugins.refresh_token:RefreshToken",
    },
    "proxy": {
        "api_key": "plugins.api_key:ApiKey",
        "body_limit": "plugins.body_limit:BodyLimit",
        "concurrency": "plugins.concurrency:Concurrency",
        "cors": "plugins.cors:Cors",
        "headers": "plugins.headers:HeaderRules",
        "ip_filter": "plugins.ip_filter:IpFilter",
        "quota": "plugins.quota:Quota",
        "rate_limit": "plugins.rate_limit:RateLimit",
        "redirect": "plugins.redirect:Redirect",
        "request_id": "plugins.request_id:RequestId",
        "rewrite": "plugins.rewrite:Rewrite",
        "timeout": "plugins.timeout:RouteTimeout",
        "trace": "plugins.trace:Trace",
    },
}


class Catalog:
    """All plugins that a gateway.yaml can name."""

    def names(self, kind: Kind) -> list[str]:
        """The built-in and installed names of one kind, sorted."""
        installed = [name for name, cls in _installed().items() if issubclass(cls, BASES[kind])]
        return sorted({*BUILT_IN[kind], *installed})

    def config_model(self, use: str, kind: Kind) -> type[BaseModel]:
        """The model that decodes the plugin's configuration.

        Raises:
            LookupError: no such plugin, or it is not whole; the text says which.
        """
        model: type[BaseModel] = self.find(use, kind).Config
        return model

    def find(self, use: str, kind: Kind) -> type[Any]:
        """The plugin's class.

        Raises:
            LookupError: no such plugin, or it is not whole; the text says which.
        """
        found = _load(use, kind)
        if not (isinstance(found, type) and issubclass(found, BASES[kind])):
            raise LookupError(f"{use} is not a {BASES[kind].__name__}")
        problem = wrong_hook(found) if kind == "proxy" else wrong_grant(found)
        if problem:
            raise LookupError(f"{use}: {problem}")
        return found


def wrong_hook(plugin: type[Plugin]) -> str | None:
    """What is wrong with a proxy plugin's hooks; None where nothing is."""
    for name, member in inspect.getmembers(plugin, inspect.isfunction):
        if not name.startswith("on_"):
            continue
        if name not in HOOKS:
            return f"there is no hook {name}; the hooks are {', '.join(HOOKS)}"
        if len(inspect.signature(member).parameters) != 2:  # noqa: PLR2004 (self and the exchange)
            return f"{name} must take (self, exchange)"
    return None


def wrong_grant(plugin: type[Plugin]) -> str | None:
    """What is wrong with a grant plugin; None where nothing is."""
    if not isinstance(getattr(plugin, "grant_type", None), str):
        return "grant_type is missing"
    if plugin.grant is GrantPlugin.grant:  # type: ignore[attr-defined]  # a GrantPlugin, as the caller made sure
        return "grant() is missing"
    return None


def _load(use: str, kind: Kind) -> object:
    path = BUILT_IN[kind].get(use) or (use if ":" in use else None)
    if path is None:
        found = _installed().get(use)
        if found is None:
            raise LookupError(f"there is no plugin {use}")
        return found
    module_name, _, class_name = path.partition(":")
    try:
        return getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise LookupError(f"{use} can't be loaded: {error}") from error


@cache
def _installed() -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        loaded = entry.load()
        if isinstance(loaded, type):
            found[entry.name] = loaded
    return found
