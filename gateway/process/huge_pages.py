"""Backs a worker's heap with huge pages, where the kernel has them on request (`madvise`, `always`).

A request touches objects all over the heap. With pages of 4 KiB the processor has to look most of their
addresses up; with 2 MiB it keeps those of the whole heap.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

HUGE_PAGE = 2 * 1024 * 1024
"""Bytes, on x86-64 and on 64-bit ARM with pages of 4 KiB. Elsewhere the kernel uses what fits."""
_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25
_MAPS = Path("/proc/self/maps")
_WRITABLE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *(\[heap\])?$", re.MULTILINE)


def heap_regions(maps: str) -> Iterator[tuple[int, int]]:
    """Address and size of the whole huge pages within private anonymous memory.

    Args:
        maps: the text of /proc/PID/maps (proc_pid_maps(5)).
    """
    for found in _WRITABLE.finditer(maps):
        start = -(-int(found[1], 16) // HUGE_PAGE) * HUGE_PAGE
        size = int(found[2], 16) // HUGE_PAGE * HUGE_PAGE - start
        if size > 0:
            yield start, size


def use_huge_pages() -> None:
    """Asks for them, and moves what is in memory now. Does nothing where the system has none."""
    with suppress(OSError, AttributeError):
        madvise = ctypes.CDLL(None).madvise
        madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for start, size in heap_regions(_MAPS.read_text()):
            # Kernels before 6.1 do not know the second, and move it bit by bit later.
            madvise(start, size, _MADV_HUGEPAGE)
            madvise(start, size, _MADV_COLLAPSE)
