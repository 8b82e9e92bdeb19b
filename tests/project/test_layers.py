"""Imports go down only. Each room knows what lies beneath it, and nothing of what is above."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.project.imports import imports

GROUND = frozenset(
    {
        "gateway",
        "clock",
        "endpoints",
        "errors",
        "exchange",
        "faults",
        "fields",
        "header_names",
        "jwk",
        "signatures",
        "path_template",
        "plain_head",
        "subject",
        "telemetry",
    }
)

SERVICES = "services"
"""Every module directly in `gateway/` that is not named below: plugins found, requests explained."""

_BENEATH = GROUND | {"file_clients", "jose", "oauth", "plugin", "store"}

MAY_IMPORT = {
    "gateway": frozenset[str](),
    "clock": frozenset[str](),
    "endpoints": frozenset[str](),
    "errors": frozenset[str](),
    "exchange": frozenset[str](),
    "faults": frozenset({"exchange"}),
    "fields": frozenset({"exchange"}),
    "header_names": frozenset[str](),
    "path_template": frozenset[str](),
    "plain_head": frozenset({"exchange", "fields"}),
    "signatures": frozenset[str](),
    "jwk": frozenset({"signatures"}),
    "subject": frozenset[str](),
    "telemetry": frozenset({"gateway"}),
    "oauth": frozenset({"errors", "jwk", "signatures", "subject"}),
    "jose": frozenset({"jwk", "oauth", "signatures"}),
    "config": GROUND,
    "store": GROUND | {"oauth"},
    "file_clients": frozenset({"oauth"}),
    "limits": GROUND | {"config", "store"},
    "plugin": GROUND | {"config", "file_clients", "limits", "oauth"},
    "plugins": frozenset({"plugin"}),
    "upstream": GROUND,
    "proxy": GROUND | {"oauth", "plugin"},
    "accounts": _BENEATH,
    "tokens": _BENEATH | {"accounts"},
    "steps": _BENEATH | {"accounts", "tokens"},
    SERVICES: _BENEATH | {SERVICES, "proxy", "tokens"},
    "web": GROUND | {SERVICES, "accounts", "oauth", "plugin", "proxy", "steps", "tokens", "upstream"},
    "portal": GROUND | {SERVICES, "accounts", "oauth", "steps", "tokens", "web"},
    "process": GROUND | {"config", "store", "web"},
    "assembly": GROUND
    | {
        SERVICES,
        "accounts",
        "config",
        "file_clients",
        "limits",
        "oauth",
        "plugin",
        "portal",
        "proxy",
        "steps",
        "store",
        "tokens",
        "upstream",
        "web",
    },
}
MAY_IMPORT["app"] = frozenset(MAY_IMPORT) | {"assembly"}
MAY_IMPORT["commands"] = MAY_IMPORT["app"] | {"app"}
MAY_IMPORT["cli"] = MAY_IMPORT["commands"] | {"commands"}
MAY_IMPORT["__main__"] = frozenset({"cli"})

IMPORTS = imports()


def room(module: str) -> str:
    """The room that a module belongs to."""
    package, _, rest = module.partition(".")
    if package == "plugins":
        return "plugins"
    name = rest.partition(".")[0] or package
    return name if name in MAY_IMPORT else SERVICES


@pytest.mark.parametrize("module", sorted(IMPORTS))
def test_a_module_imports_only_from_its_own_room_and_what_lies_beneath(module: str) -> None:
    allowed = MAY_IMPORT[room(module)] | {room(module)}
    wrong = sorted(wanted for wanted in IMPORTS[module] if room(wanted) not in allowed)
    assert not wrong, f"{module} ({room(module)}) may not import {wrong}"


def test_no_circles() -> None:
    try:
        list(TopologicalSorter(IMPORTS).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_source_has_been_read() -> None:
    assert "gateway.process.listeners" in IMPORTS["gateway.process.doors"]
    assert "gateway.process.fleet" in IMPORTS["gateway.process.supervisor"], "imports in functions count too"
