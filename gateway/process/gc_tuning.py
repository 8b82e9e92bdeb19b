"""Garbage collector settings of a worker."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.runtime.gc_pause import paused_gc

SWITCH_INTERVAL = 0.001
"""Seconds after which a thread that prepares a reload gives way to the event loop; 0.005 by default."""
GEN0_THRESHOLD = 10_000
"""Net allocations that trigger a collection of generation 0.

Requests create no reference cycles, so their objects are freed by reference counting. Python's default of 700
would scan requests in flight over and over. Cycles, mostly from exceptions, add up to a few MiB at most.
"""


def freeze_gc() -> None:
    """Excludes all objects alive now from collection (`gc.freeze`) and raises the threshold."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GEN0_THRESHOLD, 10, 10)


@contextmanager
def beside_requests() -> Iterator[None]:
    """While threads prepare a configuration, requests wait for neither them nor a collection for long."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        with paused_gc():
            yield
    finally:
        sys.setswitchinterval(interval)
