"""Number of worker processes."""

from __future__ import annotations

import os
from math import ceil

from gateway.config.model import Settings
from gateway.process.cgroup import cpu_quota, read_file


def worker_count(settings: Settings) -> int:
    """`server.workers`; `auto` means one per CPU core available to this process."""
    configured = settings.server.workers
    return configured if configured != "auto" else workers_for(_available_cores(), cpu_quota(read_file))


def workers_for(cores: int, quota: float | None) -> int:
    """One worker per core, and no more than the CPU time of a control group (`quota`) can keep busy."""
    return cores if quota is None else max(1, min(cores, ceil(quota)))


def _available_cores() -> int:
    # CPU affinity (taskset, cpusets) may allow fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
