"""Which module imports which, read from the source."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "plugins")


def sources() -> list[Path]:
    """Every source file, relative to the project's folder."""
    return sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def tree_of(path: str | Path) -> ast.Module:
    """The syntax tree of a file, named relative to the project's folder."""
    return parsed((ROOT / path).read_text())


def parsed(text: str) -> ast.Module:
    """The syntax tree of a text, which is not kept: trees are large, and a burden for all that follows."""
    # Python's parser may fail where the collector runs a finalizer in the middle of it.
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        gc.enable()


def module_name(path: Path) -> str:
    """`gateway/store/redis_connection.py` is `gateway.store.redis_connection`, `gateway/store/__init__.py` is
    `gateway.store`.
    """
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> dict[str, set[str]]:
    """For each module those of the project's modules that it imports, wherever, and be it for types alone."""
    known = {module_name(path): path for path in sources()}
    return {
        name: {_nearest(wanted, known) for wanted in _imported(path) if wanted.split(".")[0] in PACKAGES}
        - {name}
        for name, path in known.items()
    }


def _nearest(wanted: str, known: dict[str, Path]) -> str:
    """`from gateway.store import Store` names a class: the module is `gateway.store`."""
    return wanted if wanted in known else wanted.rpartition(".")[0]


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
