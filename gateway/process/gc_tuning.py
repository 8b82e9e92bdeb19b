"""Garbage collector settings of a worker."""

from __future__ import annotations

import gc

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
