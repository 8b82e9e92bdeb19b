"""What a process costs, and on what machine, read from /proc."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of processes together."""
    return sum(_ticks(pid) for pid in pids) / _TICK


def resident_mib(pids: list[int]) -> float:
    """Resident memory of processes together."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * _PAGE / 2**20


def core_busy_seconds(cores: Sequence[int]) -> float:
    """What all processes used of these cores so far, with what other guests of the machine took."""
    lines = Path("/proc/stat").read_text().splitlines()
    ticks = 0
    for line in lines:
        name, *fields = line.split()
        if name in {f"cpu{core}" for core in cores}:
            user, nice, system, _idle, _wait, interrupts, soft, steal = map(int, fields[:8])
            ticks += user + nice + system + interrupts + soft + steal
    return ticks / _TICK


def _ticks(pid: int) -> int:
    # The name in parentheses may hold spaces; what follows it does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def shape() -> str:
    """The machine in a line, without its name."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({model}), Linux, Python {platform.python_version()}"
