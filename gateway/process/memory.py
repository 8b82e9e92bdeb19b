"""How often the garbage collector looks, and at what."""

from __future__ import annotations

import gc

YOUNG = 10_000
"""Objects made, and not gone, between two looks of the collector.

A request leaves no cycles: what belongs to it goes when it is over, without the collector. With Python's 700
it would look again and again at the requests that are just being answered. What is left in cycles, after
errors for the most part, is a few MiB at the most before it is found.
"""


def settle() -> None:
    """What is alive now stays for good: the collector need not look at it, and rarely at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
