"""How many worker processes there are to be."""

from __future__ import annotations

import os

from gateway.config.model import Settings


def worker_count(settings: Settings) -> int:
    """`server.workers`, where `auto` is one for each core that this process may use."""
    asked = settings.server.workers
    return asked if asked != "auto" else _cores()


def _cores() -> int:
    # A container or `taskset` may allow fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
