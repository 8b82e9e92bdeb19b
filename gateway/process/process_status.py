"""What `/status` tells about the processes: supervisor, workers, reloads."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from gateway import __version__
from gateway.process.reload import ReloadHistory
from gateway.process.upgrade_history import UpgradeHistory
from gateway.runtime.edition import is_compiled
from gateway.telemetry.snapshot import Snapshot


class ProcessStatus:
    """Made by the supervising process before workers are forked; any worker can answer for all."""

    def __init__(self, reloads: ReloadHistory, upgrades: UpgradeHistory, started: float) -> None:
        """`started`: seconds since the epoch."""
        self._reloads = reloads
        self._upgrades = upgrades
        self.started = started
        self.pid = os.getpid()
        """Of the supervising process."""
        self._namespace = pid_namespace()

    def document(self, snapshot: Snapshot) -> dict[str, Any]:
        """`version`, `compiled`, `pid`, `started`, `last_reload`, `last_upgrade`, `workers`, as JSON values.

        `snapshot`: the figures of all workers.
        """
        last = self._reloads.last
        return {
            "version": __version__,
            "compiled": is_compiled(),
            "pid": self.pid,
            "pid_namespace": self._namespace,
            "started": self.started,
            "last_reload": None if last is None else asdict(last),
            "last_upgrade": self._upgrades.report.last,
            "workers": sorted(snapshot.processes, key=lambda worker: worker["pid"]),
        }


def pid_namespace() -> str | None:
    """Identifies the processes among which a pid has its meaning; None where there is only one such set."""
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return None
