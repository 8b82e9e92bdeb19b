"""Sets that routes and clients share: of ten thousand, most need the same scopes and have the same grants."""

from __future__ import annotations

from collections.abc import Iterable


class SharedSets:
    """Keeps one of all equal sets."""

    def __init__(self) -> None:
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def of(self, items: Iterable[str]) -> frozenset[str]:
        """The set of these items."""
        found = frozenset(items)
        return self._sets.setdefault(found, found)
