"""A root file system that nobody can write to, as containers have it: only `state_dir` and TMPDIR can be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import configuration, token
from tests.raw import RawUpstream
from tests.running import Running

START = """
import os, sys
folder = os.getcwd()
mounts = "mount --bind state state && mount --bind temporary temporary && mount -o remount,bind,ro /"
check = "! touch %s/x 2>/dev/null" % folder
script = mounts + " && " + check + ' && exec "$@"'
gateway = [sys.executable, "-m", "gateway", "run", "-c", *sys.argv[1:]]
os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *gateway])
"""


def can_mount() -> bool:
    words = ["unshare", "--mount", "--propagation", "private", "mount", "-o", "remount,bind,ro", "/"]
    try:
        return os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_mount(), reason="needs root and unshare, to mount the root file system read-only")
async def test_two_workers_serve_and_reload_on_a_read_only_root(
    upstream: RawUpstream, tmp_path: Path
) -> None:
    for name in ("state", "temporary"):
        (tmp_path / name).mkdir()
    config = configuration(upstream.url, server={"workers": 2, "state_dir": "state"})
    running = Running(
        config,
        tmp_path,
        program=("-c", START),
        TMPDIR=str(tmp_path / "temporary"),
        PYTHONDONTWRITEBYTECODE="1",
    )
    try:
        running.await_ready()
        bearer = {"Authorization": f"Bearer {(await token(running, scope='orders.read'))['access_token']}"}
        async with aiohttp.ClientSession(headers=bearer) as session:
            for _ in range(4):
                async with session.get(f"{running.http}/orders") as response:
                    assert response.status == 200
        assert len(running.children()) == 2
        assert "rror" not in running.output
    finally:
        running.stop()
