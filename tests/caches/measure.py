"""Measures how many bytes each cache takes, filled with its largest inputs, and how many more after some that
are too large for it. Prints JSON: both numbers for each kind of input, by the cache's name.

In a process of its own, started with PYTHONMALLOC=malloc: then every byte comes from the C allocator, which
counts them at no cost. Those of libraries in C and Rust, such as keys and certificates, are among them.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import json
import os
import sys
import traceback
from typing import Any

from gateway.runtime.caches import BOUNDS, CacheBound
from tests.caches.largest_inputs import FILLS, Input, New

TOO_LARGE = 50
"""Inputs that are larger than the largest key."""


class _Mallinfo(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


_mallinfo = ctypes.CDLL(None).mallinfo2
_mallinfo.restype = _Mallinfo


def allocated() -> int:
    """Bytes that are allocated now."""
    gc.collect()
    found = _mallinfo()
    return int(found.uordblks + found.hblkhd)


def caches() -> list[Any]:
    """Those of functions."""
    return [one for one in gc.get_objects() if isinstance(one, functools._lru_cache_wrapper)]


FROM_IMPORTS = caches()
# What was imported is not looked at each time.
gc.collect()
gc.freeze()


def clear_others(bound: CacheBound | None) -> None:
    """Empties what fills up along with a cache. Those of one module and size fill up together."""
    for found in (*FROM_IMPORTS, *caches()):
        kept = (found.__wrapped__.__module__, found.cache_parameters()["maxsize"])
        if bound is None or kept != (bound.module, bound.entries):
            found.cache_clear()


def filled(bound: CacheBound, given: New | Input) -> tuple[int, int]:
    """The bytes that one kind of input adds, and those that larger ones add to them."""
    kind = given if isinstance(given, Input) else Input(given)
    fill, size = kind.new(), bound.key_bytes
    fill(9_999_999, size)
    clear_others(None)
    before = allocated()
    for number in range(kind.count or bound.entries + bound.entries // 20):
        fill(number, size)
    clear_others(bound)
    full = allocated()
    for number in range(TOO_LARGE if size else 0):
        fill(8_000_000 + number, max(8192, 4 * size))
    clear_others(bound)
    return full - before, allocated() - full


def in_a_child(bound: CacheBound, given: New | Input) -> list[int]:
    """The same in a copy of the process, which leaves nothing behind. Empty: it failed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, json.dumps(filled(bound, given)).encode())
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        found = pipe.read()
    os.waitpid(child, 0)
    return json.loads(found) if found else []


if __name__ == "__main__":
    found = {name: [in_a_child(BOUNDS[name], one) for one in FILLS[name]] for name in sys.argv[1:] or FILLS}
    print(json.dumps(found))
