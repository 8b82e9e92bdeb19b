"""A disk that is full, and files that can't be had: one line and a status, or lost lines that are counted."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import Valkey
from tests.e2e.conftest import configuration, merged
from tests.ports import free_port
from tests.running import ROOT, START_LIMIT, Running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full and prlimit")
LOST = "gatepost_log_lines_lost_total "
WORKERS = pytest.mark.parametrize("workers", [1, 2])


@WORKERS
async def test_a_full_disk_costs_lines_of_the_log_and_no_request(
    tmp_path: Path, valkey: Valkey, prefix: str, workers: int
) -> None:
    port, management = free_port(), free_port()
    server = {"workers": workers, "listen": [{"host": "127.0.0.1", "port": port}]}
    config = merged(
        configuration("http://127.0.0.1:1"),
        {
            "server": server,
            "store": {"url": valkey.url, "prefix": prefix},
            "management": {"host": "127.0.0.1", "port": management},
            "logging": {"access": True, "level": "info"},
        },
    )
    running = Running(config, tmp_path, starter=("sh", "-c", 'exec "$@" 2>/dev/full', "sh"))
    try:
        await _served_and_counted(port, management, running)
        running.signal(signal.SIGTERM)
        assert await running.ended(START_LIMIT) == 0
    finally:
        running.kill()


async def _served_and_counted(port: int, management: int, running: Running) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(START_LIMIT):
        while True:
            assert running.running
            try:
                async with session.get(f"http://127.0.0.1:{management}/readyz") as response:
                    if response.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        for _ in range(5):
            async with session.get(f"http://127.0.0.1:{port}/nowhere") as response:
                assert response.status == 404
        lost = 0.0
        while not lost:
            async with session.get(f"http://127.0.0.1:{management}/metrics") as response:
                lines = (await response.text()).splitlines()
            lost = sum(float(line.split()[1]) for line in lines if line.startswith(LOST))


@WORKERS
@pytest.mark.parametrize("store", ["embedded", "outside"])
async def test_a_disk_that_is_full_at_the_start_is_one_line(
    tmp_path: Path, valkey: Valkey, prefix: str, workers: int, store: str
) -> None:
    url = {"url": "embedded"} if store == "embedded" else {"url": valkey.url, "prefix": prefix}
    config = merged(configuration("http://127.0.0.1:1"), {"store": url, "server": {"workers": workers}})
    config["server"]["state_dir"] = str(tmp_path / "state")
    config["server"]["listen"] = [{"host": "127.0.0.1", "port": 0, "tls": "auto"}]
    assert await _refused(config, tmp_path, "prlimit", "--fsize=0") == "File too large"


async def test_a_folder_that_can_not_be_had_is_one_line(tmp_path: Path) -> None:
    config = merged(configuration("http://127.0.0.1:1"), {"store": {"url": "embedded"}})
    (tmp_path / "file").write_text("")
    config["server"]["state_dir"] = str(tmp_path / "file" / "state")
    assert await _refused(config, tmp_path) == "Not a directory"


async def _refused(config: dict[str, Any], folder: Path, *starter: str) -> str:
    """The end of the only line that it writes; it ends with 1."""
    running = Running(config, folder, starter=starter)
    assert await running.ended(START_LIMIT) == 1
    (line,) = running.lines
    assert line.startswith("gatepost: "), line
    return line.rpartition(": ")[2]


def test_a_command_whose_output_finds_no_room_says_so_in_one_line(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "schema"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": ROOT},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "gatepost: No space left on device\n")
