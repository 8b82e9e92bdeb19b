"""The counts of several workers, in one private directory.

Every worker writes its own file and reads all the others'. What a worker that has ended had counted moves
into one more file, kept by the process that started the workers, so that counters never go back.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from gateway.telemetry.snapshot import Snapshot

_RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SharedTallies:
    """One worker's view of the directory. `name` is used by no other worker, dead or alive."""

    directory: Path
    name: str

    def write(self, snapshot: Snapshot) -> None:
        """Puts this worker's counts in place of its last ones."""
        _replace(self.directory / f"{self.name}.json", snapshot.to_json())

    def with_others(self, own: Snapshot) -> Snapshot:
        """This worker's counts and everybody else's."""
        total = Snapshot()
        total.add(own)
        others = {
            path.stem: _read(path)
            for path in self.directory.glob("*.json")
            if path.stem not in (self.name, _RETIRED)
        }
        # Read last: a worker that is retired between the two reads is found in one of them, and counted once.
        names, retired = _read_retired(self.directory)
        total.add(retired)
        for name, snapshot in others.items():
            if snapshot is not None and name not in names:
                total.add(snapshot)
        return total


def retire(directory: Path, name: str) -> None:
    """Keeps what an ended worker had counted. Called by the one process that starts the workers."""
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
    # No fsync: the directory lives as long as the process that made it.
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)
