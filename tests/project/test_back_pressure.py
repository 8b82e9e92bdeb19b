"""No transport is written to in a way that does not hold its writer back."""

from __future__ import annotations

import ast

from tests.project.imports import ROOT, sources, tree_of


def test_writelines_of_transports_is_not_used() -> None:
    """In Python 3.12.0 to 3.12.8 and 3.13.0 to 3.13.1, asyncio's never pauses the writer (CVE-2024-12254)."""
    used = [
        f"{source}:{node.lineno}"
        for source in sources()
        if "writelines" in (ROOT / source).read_text()
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Attribute) and node.attr == "writelines"
    ]
    assert used == [], "one `write` of the joined parts holds the writer back on every Python"
