"""Which worker exports the metrics of all, and when."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gateway.telemetry import Telemetry
from gateway.telemetry.snapshot import Snapshot

HAND_OVER_TIMEOUT = 1.0
"""Seconds that a worker waits at its end for the one that exports, to export last."""
_STEP = 0.02


class Leadership:
    """One process at a time has it: that which holds a lock on a file. With its end another one gets it."""

    def __init__(self, directory: Path | None) -> None:
        """`directory`: of all workers; None: there is only this one."""
        self._file = None if directory is None else directory / "exporter.lock"
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether this process has it, from now on if it was free."""
        if self._file is None or self._descriptor is not None:
            return True
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def give_up(self) -> None:
        """Lets another process have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class MetricsLoop:
    """Takes the metrics of all workers from time to time, in the one that leads."""

    def __init__(self, telemetry: Telemetry, interval: float, add: Callable[[Snapshot], None]) -> None:
        self._telemetry = telemetry
        self._interval = interval
        self._add = add
        self._leadership = Leadership(telemetry.shared_directory)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Takes them a last time. Of several workers that end the last one to export has what all counted."""
        if self._task is not None:
            self._task.cancel()
        with suppress(OSError):
            self._telemetry.publish()
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_OVER_TIMEOUT):
                while not self._export():  # noqa: ASYNC110 (another process ends)
                    await asyncio.sleep(_STEP)

    def hand_over(self) -> None:
        """Call it when the last ones have been sent."""
        self._leadership.give_up()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self._export()

    def _export(self) -> bool:
        """Whether this worker leads."""
        # A full disk, or a directory that is being removed: another time.
        with suppress(OSError):
            if not self._leadership.take():
                return False
            self._add(self._telemetry.aggregate())
        return True
