"""What came of upgrades."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway import __version__
from gateway.clock import Clock
from gateway.process.shared_report import SharedReport

log = logging.getLogger("gatepost")


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What came of one upgrade."""

    number: int
    """Counts the upgrades, from 1, also across programs."""
    time: float
    """Seconds since the epoch."""
    ok: bool
    from_version: str
    to_version: str | None = None
    """None: the new program did not become ready."""
    problems: list[str] = field(default_factory=list)
    """Why the old program goes on."""


class UpgradeHistory:
    """Keeps the report of the last upgrade for `/status`."""

    def __init__(self, clock: Clock) -> None:
        self.report = SharedReport("upgrade")
        self._clock = clock

    def failed(self, reason: str) -> None:
        """Logs why this program goes on, a line per problem."""
        lines = reason.splitlines()
        for line in lines:
            log.error("not upgraded: %s", line)
        self._keep(ok=False, to_version=None, problems=lines)

    def succeeded(self, version: str, pid: int) -> None:
        """Logs that another program serves now."""
        log.info("upgraded from %s to %s: process %d serves from now on", __version__, version, pid)
        self._keep(ok=True, to_version=version, problems=[])

    def inherit(self, report: dict[str, Any] | None) -> None:
        """The last report of the program before."""
        if report is not None:
            self.report.put(report)

    def _keep(self, *, ok: bool, to_version: str | None, problems: list[str]) -> None:
        before = self.report.written
        number = 1 if before is None else before["number"] + 1
        report = UpgradeReport(number, self._clock(), ok, __version__, to_version, problems)
        self.report.put(asdict(report))
