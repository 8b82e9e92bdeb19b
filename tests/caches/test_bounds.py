"""Every cache, full of the largest inputs that a caller can send, stays within its bound in bytes."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from functools import cache

import pytest

from gateway.runtime.caches import BOUNDS, KIB
from tests.caches.largest_inputs import FILLS, FROM_THE_CONFIGURATION
from tests.project.imports import ROOT
from tests.project.test_caches import all_bounds

FILLED_TOGETHER = (
    {"request heads", "request heads without their token"},
    {"identity headers", "lines of identity headers"},
    {"heads of forward authentication", "heads of forward authentication without token and address"},
)
"""Each of these can't be filled without the other: they are measured together."""

needs_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="this C library does not say how much is allocated"
)


@cache
def measured() -> dict[str, list[list[int]]]:
    """What `tests.caches.measure` prints, for all caches at once."""
    environment = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.caches.measure"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(done.stderr, file=sys.stderr)
    found: dict[str, list[list[int]]] = json.loads(done.stdout)
    return found


def test_every_registered_cache_has_a_largest_input() -> None:
    assert {bound.name for bound in all_bounds()} == FILLS.keys() | FROM_THE_CONFIGURATION


@needs_glibc
@pytest.mark.timeout(300)  # of which the first takes most: it measures all caches
@pytest.mark.parametrize("name", sorted(FILLS))
def test_a_cache_full_of_the_largest_inputs_stays_within_its_bytes(name: str) -> None:
    together = next((names for names in FILLED_TOGETHER if name in names), {name})
    allowed = sum(BOUNDS[one].total_bytes for one in together)
    for kind, sizes in enumerate(measured()[name]):
        assert sizes, f"input {kind} can't be put into it"
        full, more = sizes
        assert full <= allowed, f"input {kind} fills it with {full / KIB:,.0f} KiB"
        assert more <= 64 * KIB, f"input {kind}, made too large to be cached, adds {more / KIB:,.0f} KiB"
