"""What a gateway does while nobody asks for anything."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.raw import raw_upstream
from tests.running import Running
from tests.web_gateway import web_config

WINDOW = 2.0
"""Seconds in which wakes are counted."""
WAKES = 32
"""In a second. It has about 24, and had forty."""


async def test_it_wakes_a_few_times_a_second(valkey: Valkey, prefix: str, tmp_path: Path) -> None:
    with raw_upstream() as upstream:
        gateway = Running(web_config(upstream, valkey.url, prefix), tmp_path)
        await asyncio.to_thread(gateway.await_ready)

        async def wakes() -> float:
            before = _sleeps(gateway.pid)
            await asyncio.sleep(WINDOW)
            return (_sleeps(gateway.pid) - before) / WINDOW

        await mostly_within(WAKES, wakes, good=1)
        assert not gateway.stopped_badly()


def _sleeps(pid: int) -> int:
    """How often the process has waited for something."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^voluntary_ctxt_switches:\s*(\d+)$", status, re.MULTILINE)
    assert found is not None
    return int(found[1])
