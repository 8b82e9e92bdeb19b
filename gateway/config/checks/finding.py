"""What a cross check is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.config.model import Settings
from gateway.config.problem import KeyPath


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the settings themselves do not say."""

    upstreams: frozenset[str]
    """All names of upstreams that stand in the file, also those whose contents are faulty."""
    issuers: frozenset[str]
    """All names under `issuers`, also those whose contents are faulty."""
    grants: frozenset[str]
    """All names under `grants`, and the one that is there by default."""
    known_grants: tuple[str, ...]
    """The names of the grants that there are plugins for."""
    is_file: Callable[[Path], bool]
    read: Callable[[Path], bytes]
    """What a file holds. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Two keys, each fine by itself, do not go together. Values are never repeated."""

    path: KeyPath
    text: str
    first: KeyPath | None = None
    """What stood before and is in the way; its line is told."""
    depends: tuple[KeyPath, ...] = ()
    """The keys that were compared. Where one of them is faulty, the finding means nothing."""
    wrong: str | None = None
    """What was written, where one of `right` may have been meant."""
    right: tuple[str, ...] = ()


Check = Callable[[Settings, Surroundings], Iterator[Finding]]
