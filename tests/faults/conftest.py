"""Gateways and stores that a test may break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.faults.stage import PREFIX, Caller
from tests.raw import RawUpstream, raw_upstream
from tests.running import GATEWAY, Running
from tests.web_gateway import web_config

SHIFTED = str(Path(__file__).with_name("shifted_gateway.py"))

StartCaller = Callable[..., Awaitable[Caller]]


@pytest.fixture
def upstream() -> Iterator[RawUpstream]:
    with raw_upstream() as made:
        yield made


@contextmanager
def valkey_server(*options: str) -> Iterator[Valkey]:
    server = Valkey(*options)
    server.start()
    yield server
    server.remove()


@pytest.fixture
def second_valkey() -> Iterator[Valkey]:
    """Another server that a test may break."""
    with valkey_server() as server:
        yield server


@pytest.fixture
async def start(upstream: RawUpstream, tmp_path: Path) -> AsyncIterator[StartCaller]:
    """Starts gateways on a store; each returns a caller of it.

    `ahead`: a file with the seconds that the gateway's clock is ahead.
    """
    callers: list[Caller] = []

    async def begin(
        store_url: str,
        *,
        workers: int = 1,
        fast_path: bool = True,
        ahead: Path | None = None,
        plugins: Sequence[dict[str, Any]] = (),
        **sections: dict[str, Any],
    ) -> Caller:
        config = web_config(upstream, store_url, PREFIX, fast_lane=fast_path)
        config["server"]["workers"] = workers
        config["logging"] = {"level": "info", "format": "text", "access": False}
        config["plugins"] += plugins
        for name, section in sections.items():
            config[name] = {**config.get(name, {}), **section}
        folder = tmp_path / f"gateway-{len(callers)}"
        folder.mkdir()
        program = GATEWAY if ahead is None else (SHIFTED, str(ahead), "run", "-c")
        gateway = Running(config, folder, program=program)
        callers.append(Caller(gateway))
        # In a thread: the store may be behind a port that this loop serves.
        await asyncio.to_thread(gateway.await_ready)
        return callers[-1]

    yield begin
    for caller in callers:
        await caller.close()
    failures = [failure for caller in callers if (failure := caller.gateway.stopped_badly())]
    assert not failures, "\n".join(failures)
