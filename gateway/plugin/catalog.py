"""Finds plugins by their name in gateway.yaml and checks that they are complete.

A name is that of a built-in plugin, of an entry point in the group `gatepost.plugins`, or `module:Class`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

from pydantic import BaseModel

from gateway.plugin import HOOKS, GrantPlugin, Plugin, ProxyPlugin
from gateway.runtime.caches import MIB, cached_unchecked, register

Kind = Literal["grant", "proxy"]
ENTRY_POINTS = "gatepost.plugins"
BASES: dict[Kind, type[Plugin]] = {"grant": GrantPlugin, "proxy": ProxyPlugin}
BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "grant": {
        "client_credentials": "plugins.client_credentials:ClientCredentials",
        "jwt_bearer": "plugins.jwt_bearer:JwtBearer",
        "password": "plugins.password:Password",
        "refresh_token": "plugins.refresh_token:RefreshToken",
        "token_exchange": "plugins.token_exchange:TokenExchange",
    },
    "proxy": {
        "api_key": "plugins.api_key:ApiKey",
        "authorize": "plugins.authorize:Authorize",
        "body_limit": "plugins.body_limit:BodyLimit",
        "backend_jwt": "plugins.backend_jwt:BackendJwt",
        "cache": "plugins.cache:Cache",
        "claim_headers": "plugins.claim_headers:ClaimHeaders",
        "compress": "plugins.compress:Compress",
        "concurrency": "plugins.concurrency:Concurrency",
        "cors": "plugins.cors:Cors",
        "headers": "plugins.headers:HeaderRules",
        "hmac": "plugins.hmac:Hmac",
        "ip_filter": "plugins.ip_filter:IpFilter",
        "openapi": "plugins.openapi:Openapi",
        "quota": "plugins.quota:Quota",
        "rate_limit": "plugins.rate_limit:RateLimit",
        "redirect": "plugins.redirect:Redirect",
        "request_id": "plugins.request_id:RequestId",
        "rewrite": "plugins.rewrite:Rewrite",
        "timeout": "plugins.timeout:RouteTimeout",
        "trace": "plugins.trace:Trace",
        "transform": "plugins.transform:Transform",
    },
}


_FURTHER = {"on_body": ("body",), "on_stream": ("length",)}
"""What hooks take beside the exchange."""


class PluginCatalog:
    """All available plugins."""

    def names(self, kind: Kind) -> list[str]:
        """The sorted names of built-in and installed plugins of one kind."""
        installed = [name for name, cls in _installed().items() if issubclass(cls, BASES[kind])]
        return sorted({*BUILT_IN[kind], *installed})

    def config_model(self, use: str, kind: Kind) -> type[BaseModel]:
        """The model of the plugin's configuration.

        Raises:
            LookupError: there is no such plugin, or it is incomplete; the message says which.
        """
        model: type[BaseModel] = self.find(use, kind).Config
        return model

    def find(self, use: str, kind: Kind) -> type[Any]:
        """The plugin's class.

        Raises:
            LookupError: there is no such plugin, or it is incomplete; the message says which.
        """
        found = _load(use, kind)
        if not (isinstance(found, type) and issubclass(found, BASES[kind])):
            raise LookupError(f"{use} is not a {BASES[kind].__name__}")
        problem = hook_problem(found) if kind == "proxy" else grant_problem(found)
        if problem:
            raise LookupError(f"{use}: {problem}")
        return found


def hook_problem(plugin: type[Plugin]) -> str | None:
    """Why a proxy plugin's hooks are invalid; None if they are valid."""
    for name, member in inspect.getmembers(plugin, inspect.isfunction):
        if not name.startswith("on_"):
            continue
        if name not in HOOKS:
            return f"there is no hook {name}; the hooks are {', '.join(HOOKS)}"
        parameters = ["self", "exchange", *_FURTHER.get(name, ())]
        if len(inspect.signature(member).parameters) != len(parameters):
            return f"{name} must take ({', '.join(parameters)})"
    return None


def grant_problem(plugin: type[Plugin]) -> str | None:
    """Why a grant plugin is incomplete; None if it is complete."""
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


_INSTALLED = register("installed plugins", __name__, entries=1, total_bytes=1 * MIB)


@cached_unchecked(_INSTALLED)
def _installed() -> dict[str, type[Any]]:
    found: dict[str, type[Any]] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        loaded = entry.load()
        if isinstance(loaded, type):
            found[entry.name] = loaded
    return found
