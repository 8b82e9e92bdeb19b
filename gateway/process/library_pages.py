"""Gives back the memory of shared libraries that only the start needed.

The kernel maps a library's pages when they are first touched, sixteen at a time, and a process keeps them.
Half of what Python, OpenSSL and pydantic have mapped by the time a worker serves is never used again. These
pages are the files' own, and the page cache keeps them as long as there is room: what is used after all is
mapped again from there.
"""

from __future__ import annotations

import asyncio
import ctypes
import mmap
import os
import re
from array import array
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import BinaryIO

MAPPINGS = "/proc/self/maps"
PAGES = "/proc/self/pagemap"
THREADS = "/proc/self/task"
SETTLED = 1.0
"""Seconds after a start. The first requests have come then: what only they needed goes, too."""
SLICE = 0.001
"""Seconds of it between two turns of the event loop: a busy worker has few turns in a second."""
_DONTNEED = 4
"""MADV_DONTNEED of madvise(2) on Linux."""
_IN_USE = 1 << 63 | 1 << 62
"""A page is in memory, or swapped out."""
_OF_FILE = 1 << 61
"""The page is the file's. Otherwise it is a copy that has been written to."""
_READ_ONLY = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-([x-])p \S+ \S+ [1-9]\d* +(/.+)$", re.MULTILINE)

Part = tuple[int, int]
"""Where memory begins and ends."""


class LibraryPages:
    """Code and constants of the program and of the libraries that it has loaded when this is made.

    A thread that loads a library maps its variables over what for a moment counts as read-only. So this is to
    be made while no other thread runs, or nothing is released. It is released beside any threads: what has
    been loaded meanwhile stays as it is.
    """

    def __init__(self) -> None:
        self._parts: frozenset[Part] = frozenset()
        try:
            if len(os.listdir(THREADS)) == 1:
                self._parts = frozenset(_mapped())
        except OSError:
            return

    def release(self) -> None:
        """Unmaps them. Takes some milliseconds. Nothing is done where that is impossible."""
        for _ in self._released():
            pass

    async def release_later(self) -> None:
        """The same, when the first requests have come, and between other requests."""
        await asyncio.sleep(SETTLED)
        due = perf_counter() + SLICE
        for _ in self._released():
            if perf_counter() >= due:
                await asyncio.sleep(0)
                due = perf_counter() + SLICE

    def _released(self) -> Iterator[None]:
        try:
            known, release = [part for part in _mapped() if part in self._parts], _releasing()
            with open(PAGES, "rb") as pages:
                for part in known:
                    if is_clean(pages, *part):
                        release(part)
                    yield
        except OSError:
            return


def _mapped() -> list[Part]:
    with open(MAPPINGS, encoding="utf-8", errors="replace") as mappings:
        return read_only_parts(mappings.read())


def read_only_parts(mappings: str) -> list[Part]:
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


def _releasing() -> Callable[[Part], object]:
    """What unmaps a part. One for all of them: each `CDLL` makes a class of its own, and garbage of it."""
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
    return lambda part: madvise(part[0], part[1] - part[0], _DONTNEED)
