"""Gives back the memory of shared libraries that only the start needed.

The kernel maps a library's pages when they are first touched, sixteen at a time, and a process keeps them.
Half of what Python, OpenSSL and pydantic have mapped by the time a worker serves is never used again. These
pages are the files' own, and the page cache keeps them as long as there is room: what is used after all is
mapped again from there.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
from array import array
from typing import BinaryIO

MAPPINGS = "/proc/self/maps"
PAGES = "/proc/self/pagemap"
THREADS = "/proc/self/task"
_DONTNEED = 4
"""MADV_DONTNEED of madvise(2) on Linux."""
_IN_USE = 1 << 63 | 1 << 62
"""A page is in memory, or swapped out."""
_OF_FILE = 1 << 61
"""The page is the file's. Otherwise it is a copy that has been written to."""
_READ_ONLY = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-([x-])p \S+ \S+ [1-9]\d* +(/.+)$", re.MULTILINE)


def release_library_pages() -> None:
    """Unmaps code and constants of the program and all its libraries.

    Takes some milliseconds. Nothing is done where that is impossible, or while other threads run.
    """
    try:
        # A thread that loads a library maps its variables over what for a moment counts as read-only.
        if len(os.listdir(THREADS)) > 1:
            return
        with open(MAPPINGS, encoding="utf-8", errors="replace") as mappings, open(PAGES, "rb") as pages:
            found = read_only_parts(mappings.read())
            _release([(start, end) for start, end in found if is_clean(pages, start, end)])
    except OSError:
        return


def read_only_parts(mappings: str) -> list[tuple[int, int]]:
    """Where code and constants were mapped from files with code, by proc_pid_maps(5)."""
    found = _READ_ONLY.findall(mappings)
    libraries = {path for _, _, executable, path in found if executable == "x"}
    return [(int(start, 16), int(end, 16)) for start, end, _, path in found if path in libraries]


def is_clean(pages: BinaryIO, start: int, end: int) -> bool:
    """Whether nobody has written to the memory between two addresses.

    The loader does where constants are addresses, debuggers and probes where they stop a program.

    `pages`: see https://docs.kernel.org/admin-guide/mm/pagemap.html
    """
    pages.seek(start // mmap.PAGESIZE * 8)
    entries = array("Q", pages.read((end - start) // mmap.PAGESIZE * 8))
    return bool(entries) and not any(entry & _IN_USE and not entry & _OF_FILE for entry in set(entries))


def _release(ranges: list[tuple[int, int]]) -> None:
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
    for start, end in ranges:
        madvise(start, end - start, _DONTNEED)
