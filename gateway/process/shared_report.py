"""A report of the supervising process that any worker can read."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

log = logging.getLogger("gatepost")


class SharedReport:
    """The last report of its kind: in memory, and with several workers in a file."""

    def __init__(self, name: str) -> None:
        """`name`: of the file, and of what is reported."""
        self._name = name
        self._last: dict[str, Any] | None = None
        self._directory: Path | None = None

    def share(self, directory: Path) -> None:
        """Keeps the report in a file of this directory."""
        self._directory = directory

    @property
    def written(self) -> dict[str, Any] | None:
        """What this process has put here last."""
        return self._last

    @property
    def last(self) -> dict[str, Any] | None:
        """The last report, by whatever process; None: there was none."""
        if self._directory is None:
            return self._last
        try:
            report: dict[str, Any] = json.loads((self._directory / self._file).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return report

    def put(self, report: dict[str, Any]) -> None:
        """Replaces the report."""
        self._last = report
        if self._directory is None:
            return
        new = self._directory / f"{self._file}.new"
        try:
            new.write_text(json.dumps(report), encoding="utf-8")
            os.replace(new, self._directory / self._file)
        except OSError as error:
            log.warning("the report of the %s can't be written: %s", self._name, error.strerror)

    @property
    def _file(self) -> str:
        return f"{self._name}.report"
