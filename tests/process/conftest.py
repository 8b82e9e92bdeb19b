"""Small gateways in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.running import Running

Start = Callable[..., Running]

PROGRAM = (str(Path(__file__).with_name("small_gateway.py")),)


def small_config(folder: Path, *, workers: int = 1, version: str = "one", **server: Any) -> dict[str, Any]:
    """A configuration on free ports. `version` is what the gateway answers with."""
    return {
        "server": {
            "listen": [{"host": "127.0.0.1", "port": 0}],
            "state_dir": str(folder / "state"),
            "workers": workers,
            **server,
        },
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"prefix": version, "url": "unix:///nowhere"},
        "logging": {"format": "text", "access": False},
    }


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a small gateway and waits until it serves. In the end each must stop well."""
    started: list[Running] = []

    def make(config: dict[str, Any] | str | None = None, *, ready: bool = True, **changes: Any) -> Running:
        folder, temporary = tmp_path / str(len(started)), tmp_path / "tmp"
        folder.mkdir()
        temporary.mkdir(exist_ok=True)
        content = config or small_config(folder, **changes)
        running = Running(content, folder, program=PROGRAM, TMPDIR=str(temporary))
        started.append(running)
        if ready:
            running.await_ready()
        return running

    try:
        yield make
    except BaseException:
        for running in started:
            running.kill()
        raise
    for running in started:
        if running.running:
            running.stop()


async def about(running: Running, path: str = "/") -> dict[str, Any]:
    """What the gateway says of itself, over a connection of its own."""
    async with aiohttp.ClientSession() as session, session.get(running.http + path) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


def exists(pid: int) -> bool:
    """Whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
