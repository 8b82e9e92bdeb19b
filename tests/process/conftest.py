"""Fixtures that run the small gateway in a subprocess."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.gateway_process import SMALL_GATEWAY
from tests.running import Running

Start = Callable[..., Running]

PROGRAM = SMALL_GATEWAY


def small_config(folder: Path, *, workers: int = 1, version: str = "one", **server: Any) -> dict[str, Any]:
    """A configuration with free ports. `version` is the response body."""
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


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Starts small gateways and waits until they are ready. At the end each must stop cleanly."""
    started: list[Running] = []
    temporary = folder / "tmp"
    temporary.mkdir()

    def start(config: dict[str, Any] | None = None, *, ready: bool = True, **changes: Any) -> Running:
        own = folder / str(len(started))
        own.mkdir()
        content = config or small_config(own, **changes)
        running = Running(content, own, program=PROGRAM, TMPDIR=str(temporary))
        started.append(running)
        if ready:
            running.await_ready()
        return running

    yield start
    failures = [failure for running in started if (failure := running.stopped_badly())]
    assert not failures, "\n".join(failures)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts gateways for one test."""
    with starting(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def start_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts gateways shared by the tests of a module."""
    with starting(tmp_path_factory.mktemp("shared")) as made:
        yield made


async def reload(running: Running, config: dict[str, Any] | str) -> str:
    """Replaces the file and reloads it. Returns the first log line about the reload."""
    running.lines.clear()
    running.write(config)
    running.signal(signal.SIGHUP)
    return await running.line("reloaded: ")


async def about(running: Running, path: str = "/") -> dict[str, Any]:
    """The gateway's response over a new connection."""
    async with aiohttp.ClientSession() as session, session.get(running.http + path) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


@dataclass
class HeldRequest:
    """A request in flight, whose response has begun."""

    response: aiohttp.ClientResponse
    file: Path

    async def finish(self) -> dict[str, Any]:
        """Lets the gateway go on; the response's body."""
        self.file.touch()
        body: dict[str, Any] = await self.response.json()
        return body


@asynccontextmanager
async def held(running: Running) -> AsyncIterator[HeldRequest]:
    """A request that the gateway has begun to answer, and goes on with when it is told to."""
    name = f"go-{uuid4().hex}"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.http}/held/{name}") as response,
    ):
        assert response.status == 200
        yield HeldRequest(response, running.file.with_name(name))


async def metric(running: Running, name: str) -> float:
    """The sum of all samples whose line starts with this prefix."""
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as response:
        lines = (await response.text()).splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def exists(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
