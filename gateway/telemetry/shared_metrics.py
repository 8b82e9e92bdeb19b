"""Metrics of several workers, shared through files in a private directory.

Each worker writes its own file and reads the others'. The arbiter adds the counters of an exited worker to
one more file, so that counters never decrease.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.telemetry.snapshot import Snapshot

_RETIRED: Final = "retired"


@dataclass(frozen=True, slots=True)
class SharedMetrics:
    """One worker's access to the directory. `name` must be unique, also among exited workers."""

    directory: Path
    name: str

    def write(self, snapshot: Snapshot) -> None:
        """Replaces this worker's published metrics. Raises OSError."""
        _replace(self.directory / f"{self.name}.json", snapshot.to_json())

    def merged_with_others(self, own: Snapshot) -> Snapshot:
        """The sum of `own` and the published metrics of all other workers."""
        total = Snapshot()
        total.add(own)
        others = {
            path.stem: _read(path)
            for path in self.directory.glob("*.json")
            if path.stem not in (self.name, _RETIRED)
        }
        # Read last: a worker retired between the two reads is in both and skipped below, so it is counted
        # once.
        names, retired = _read_retired(self.directory)
        total.add(retired)
        for name, snapshot in others.items():
            if snapshot is not None and name not in names:
                total.add(snapshot)
        return total


def retire(directory: Path, name: str) -> None:
    """Moves the counters of an exited worker into the retired totals. Called by the arbiter only."""
    path = directory / f"{name}.json"
    snapshot = _read(path)
    if snapshot is None:
        return
    names, total = _read_retired(directory)
    total.add(snapshot.retired())
    text = json.dumps({"names": [*names, name], "total": total.to_json()})
    _replace(directory / f"{_RETIRED}.json", text)
    path.unlink()


def _read(path: Path) -> Snapshot | None:
    try:
        return Snapshot.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _read_retired(directory: Path) -> tuple[list[str], Snapshot]:
    try:
        value = json.loads((directory / f"{_RETIRED}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], Snapshot()
    return value["names"], Snapshot.from_json(value["total"])


def _replace(path: Path, text: str) -> None:
    # No fsync: the directory does not outlive the process.
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)
