"""Finds what only the garbage collector would free: objects that keep each other."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def found_by_the_collector() -> Iterator[Counter[str]]:
    """Which of the gateway's own objects only the garbage collector would have freed meanwhile."""
    found: Counter[str] = Counter()
    gc.disable()
    gc.freeze()  # what there is already, a whole test process, is nobody's fault, and takes long to look at
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        kinds = (type(each) for each in gc.garbage)
        found.update(kind.__qualname__ for kind in kinds if kind.__module__.startswith("gateway."))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()
