"""Imports go down only. A package knows those below it, and nothing of those above."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.project.imports import imports, module_name, sources

BASE = frozenset({"gateway", "clock", "errors", "runtime", "translation"})

MAY_IMPORT = {
    "gateway": frozenset[str](),
    "clock": frozenset[str](),
    "errors": frozenset[str](),
    "runtime": frozenset[str](),
    "translation": frozenset[str](),
    "telemetry": BASE,
    "audit": BASE,
    "jose": BASE,
    "oauth": BASE | {"jose"},
    "http": BASE | {"oauth"},
    "mcp": BASE,
    "otel": BASE | {"config", "http", "telemetry"},
    "apidocs": BASE,
    "config": BASE | {"apidocs", "http", "jose", "oauth"},
    "acme": BASE | {"config"},
    "store": BASE | {"oauth"},
    "signing": BASE | {"jose", "oauth", "store"},
    "accounts": BASE | {"jose", "oauth", "store"},
    "tokens": BASE | {"accounts", "jose", "oauth", "signing", "store"},
    "issuers": BASE | {"jose", "oauth", "tokens"},
    "limits": BASE | {"config", "http", "store"},
    "notices": BASE | {"oauth", "store"},
    "plugin": BASE | {"accounts", "config", "http", "limits", "oauth"},
    "plugins": frozenset({"plugin"}),
    "oauth_flows": BASE | {"accounts", "http", "oauth", "plugin", "tokens"},
    "upstream": BASE | {"http"},
    "proxy": BASE | {"http", "mcp", "oauth", "otel", "plugin", "upstream"},
    "server": BASE | {"http", "oauth", "upstream"},
    "web": BASE
    | {
        "accounts",
        "http",
        "oauth",
        "oauth_flows",
        "otel",
        "proxy",
        "server",
        "telemetry",
        "tokens",
        "upstream",
    },
    "ext_authz": BASE | {"http", "oauth", "proxy", "server", "web"},
    "portal": BASE | {"accounts", "apidocs", "audit", "http", "oauth", "oauth_flows", "tokens", "web"},
    "export": BASE | {"config", "http"},
    "xds": BASE | {"export"},
    "edge": BASE | {"config", "export", "http"},
    "process": BASE | {"acme", "config", "edge", "http", "otel", "server", "store", "telemetry"},
    "demo": BASE,
    "converters": BASE,
}
"""What each package of `gateway/`, and `plugins/`, may import."""

MAY_IMPORT["assembly"] = frozenset(MAY_IMPORT) - {"demo", "plugins", "web"}
MAY_IMPORT["app"] = frozenset(MAY_IMPORT) - {"demo", "plugins"}
MAY_IMPORT["commands"] = frozenset(MAY_IMPORT) - {"plugins"}
MAY_IMPORT["cli"] = BASE | {"commands"}
MAY_IMPORT["__main__"] = frozenset({"cli"})

MODULES = sorted(map(module_name, sources()))


def package_of(module: str) -> str:
    """`gateway.store.limits` belongs to `store`, `plugins.cors` to `plugins`, `gateway` to itself."""
    top, _, rest = module.partition(".")
    return top if top == "plugins" else rest.partition(".")[0] or top


def test_every_package_is_in_the_table() -> None:
    assert not {package_of(module) for module in MODULES} - MAY_IMPORT.keys()


def test_a_module_imports_only_from_its_own_package_and_those_below() -> None:
    wrong = {module: found for module in MODULES if (found := imports_that_lead_up(module))}
    assert not wrong, "these may not import these"


def imports_that_lead_up(module: str) -> list[str]:
    package = package_of(module)
    allowed = MAY_IMPORT[package] | {package}
    return sorted(wanted for wanted in imports()[module] if package_of(wanted) not in allowed)


def test_the_table_of_packages_has_no_circles() -> None:
    list(TopologicalSorter(MAY_IMPORT).static_order())


def test_modules_have_no_circles() -> None:
    try:
        list(TopologicalSorter(imports()).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_source_has_been_read() -> None:
    assert "gateway.process.listeners" in imports()["gateway.process.sockets"]
    assert "gateway.process.multi_worker" in imports()["gateway.process.workers"], "in functions too"
