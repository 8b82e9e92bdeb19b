"""Gatepost's commands and gateways, and what they take."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

from benchmarks.machine import cpu_seconds, resident_mib
from gateway.process.library_pages import SETTLED

PROGRAM = (sys.executable, "-m", "gateway")
POLL = 0.01
PATIENCE = 120.0
"""Seconds within which a gateway must be ready."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took."""

    seconds: float
    cpu: float
    """Seconds."""
    peak: int
    """Bytes of memory."""


def measured(*words: str) -> Measured:
    """Runs a command to its end. Raises RuntimeError unless it succeeds."""
    begun, peak = time.monotonic(), 0
    with TemporaryFile() as output:
        process = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=output)
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            peak = max(peak, _peak(process.pid))
            time.sleep(POLL)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        output.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {output.read().decode()}")
    return Measured(time.monotonic() - begun, ended[2].ru_utime + ended[2].ru_stime, peak)


def _peak(pid: int) -> int:
    """The most bytes that a process has had. (What `wait4` says begins with those of its parent.)"""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


class ScaleGateway:
    """A gateway with one worker, while the context is open."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._output = config.with_suffix(".log")

    def __enter__(self) -> ScaleGateway:
        begun = time.monotonic()
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*PROGRAM, "run", "-c", str(self._config)], stdout=output, stderr=output
            )
        while (ready := re.search(rb"ready on http://127\.0\.0\.1:(\d+)", self._output.read_bytes())) is None:
            if self._process.poll() is not None or time.monotonic() - begun > PATIENCE:
                raise RuntimeError(self._output.read_text())
            time.sleep(0.01)
        self.seconds = time.monotonic() - begun
        """Until it was ready."""
        self.cpu = cpu_seconds([self._process.pid])
        self.port = int(ready[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def memory(self) -> float:
        """MiB that it has, once what only its start needed is unmapped."""
        time.sleep(SETTLED + 1)
        return resident_mib([self._process.pid])
