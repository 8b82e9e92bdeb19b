"""The heap of a worker lies on huge pages, where the kernel has them on request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.process.huge_pages import HUGE_PAGE, heap_regions
from tests.process.conftest import Start

ENABLED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
MAPS = """\
5000001ff000-500000a01000 rw-p 00000000 00:00 0                          [heap]
600000200000-600000400000 rw-p 00000000 00:00 0
600000400000-600000500000 rw-p 00000000 00:00 0
700000000000-700000800000 r-xp 00000000 fe:00 26933                      /usr/lib/libpython3.so
700000800000-700001000000 rw-p 00000000 fe:00 26933                      /usr/lib/libpython3.so
700001000000-700001800000 rw-s 00000000 00:01 7                          /dev/zero (deleted)
700001800000-700002000000 ---p 00000000 00:00 0
7ffd00000000-7ffd00800000 rw-p 00000000 00:00 0                          [stack]
"""


def test_huge_pages_are_asked_for_whole_ones_of_the_heap_alone() -> None:
    assert list(heap_regions(MAPS)) == [(0x500000200000, 4 * HUGE_PAGE), (0x600000200000, HUGE_PAGE)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_has_its_heap_on_huge_pages(start: Start, workers: int) -> None:
    if not ENABLED.exists() or "[never]" in ENABLED.read_text():
        pytest.skip("this kernel gives no huge pages")
    running = start(workers=workers)
    for pid in running.children() if workers > 1 else [running.pid]:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = re.search(r"AnonHugePages: +(\d+) kB", rollup)
        assert found is not None
        assert int(found[1]) * 1024 >= HUGE_PAGE, rollup
