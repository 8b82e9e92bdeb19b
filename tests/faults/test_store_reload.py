"""A reload takes no store that works away for one that can't be reached."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import yaml

from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import Caller, seconds_until
from tests.nodes import Node

TIMEOUT = {"timeout": 0.3}


@pytest.fixture
def other() -> Iterator[Node]:
    """A server that is not started yet."""
    node = Node()
    yield node
    node.remove()


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_unreachable_store_is_refused_unless_the_one_in_use_is_gone_too(
    own_valkey: Valkey, other: Node, start: StartCaller, workers: int
) -> None:
    caller = await start(own_valkey.url, workers=workers, store=TIMEOUT)
    token = await caller.token()
    before = yaml.safe_load(caller.gateway.file.read_text())
    # The trial believes what workers have last said of themselves.
    await seconds_until(lambda: _connected(caller, workers))

    moved = {**before, "store": {**before["store"], "url": f"redis://{other.host}"}, "routes": []}
    reason = "store.url: can't be used, while the store that is in use can: .*[Rr]efused"
    line = await _reloaded(caller, moved, rf"not reloaded: .*gateway.yaml:\d+:\d+: {reason}")
    assert "Traceback" not in caller.gateway.output
    assert [await caller.use(token), await caller.issue()] == [200, 200]
    last = (await _status(caller))["last_reload"]
    assert not last["ok"]
    assert line.endswith(last["problems"][0])

    own_valkey.kill()
    await seconds_until(lambda: _connected(caller, 0))
    taken = "reloaded: the new configuration"
    await _reloaded(caller, {**before, "routes": []}, taken)
    await _reloaded(caller, {**moved, "routes": before["routes"]}, taken)

    async def leads_there() -> bool:
        await _forget_connections(caller)
        return await caller.use(token) == 503

    # For a moment a worker of before may still be asked, which knows no route, and ends.
    await seconds_until(leads_there)
    other.start()

    async def healed() -> bool:
        return await caller.issue() == 200

    await seconds_until(healed)


async def _reloaded(caller: Caller, config: dict[str, Any], line: str) -> str:
    caller.gateway.lines.clear()
    caller.gateway.write(config)
    caller.gateway.signal(signal.SIGHUP)
    found = await caller.gateway.line(line)
    # The connection may be one that the configuration before still serves.
    await _forget_connections(caller)
    return re.sub(r"\x1b\[[0-9;]*m", "", found)


async def _forget_connections(caller: Caller) -> None:
    await caller.close()
    caller._open.clear()


async def _status(caller: Caller) -> dict[str, Any]:
    url = caller.gateway.management + "/status"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        status: dict[str, Any] = await answer.json()
        return status


async def _connected(caller: Caller, workers: int) -> bool:
    """Whether exactly so many workers say that they are connected to the store."""
    await asyncio.sleep(0.05)
    shown = (await _status(caller))["workers"]
    return sum(bool(worker["store_connected"]) for worker in shown) == workers
