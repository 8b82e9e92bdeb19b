"""What this process uses: memory, CPU time, file descriptors."""

from __future__ import annotations

import logging
import os
import resource
import sys
from contextlib import suppress
from typing import Any

_PAGE = resource.getpagesize()


def process_usage() -> dict[str, Any]:
    """`pid`, `log_level`, `memory_bytes` (resident), `cpu_seconds`, `open_files`, `max_open_files`.

    None: unknown.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "pid": os.getpid(),
        "log_level": logging.getLevelName(logging.getLogger().level).lower(),
        "memory_bytes": _resident_bytes(used.ru_maxrss),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "open_files": _open_files(),
        "max_open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }


def _resident_bytes(peak: int) -> int:
    with suppress(OSError, ValueError, IndexError), open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * _PAGE
    # Without /proc: the peak, which macOS counts in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def _open_files() -> int | None:
    for directory in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return len(os.listdir(directory))
    return None
