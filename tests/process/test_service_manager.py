"""The service manager is told when the gateway is ready, and when it stops."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.process.service_manager import READY, STOPPING, notify
from tests.conftest import Valkey
from tests.e2e.conftest import configuration, merged
from tests.running import START_LIMIT, Running


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(START_LIMIT)
        yield sock


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_started_gateway_is_ready_once_and_stops_once(
    manager: socket.socket, tmp_path: Path, valkey: Valkey, prefix: str, workers: int
) -> None:
    store = {"url": valkey.url, "prefix": prefix}
    config = merged(configuration("http://127.0.0.1:1"), {"store": store, "server": {"workers": workers}})
    running = Running(config, tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify"))
    assert await asyncio.to_thread(manager.recv, 100) == READY.encode()
    running.await_ready()
    running.stop()
    assert manager.recv(100) == STOPPING.encode()
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(100)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_is_told_when_it_begins_and_when_it_is_over(
    manager: socket.socket, tmp_path: Path, valkey: Valkey, prefix: str, workers: int
) -> None:
    store = {"url": valkey.url, "prefix": prefix}
    config = merged(configuration("http://127.0.0.1:1"), {"store": store, "server": {"workers": workers}})
    running = Running(config, tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify"))
    assert manager.recv(100) == READY.encode()
    for broken in (False, True):
        if broken:
            running.write("nonsense: 1")
        running.signal(signal.SIGHUP)
        begun = manager.recv(100).decode()
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", begun)
        assert manager.recv(100) == READY.encode()
    running.stop()


def test_an_abstract_socket_is_told_too(tmp_path: Path) -> None:
    name = f"gatepost-{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(START_LIMIT)
        notify(READY, f"@{name}")
        assert sock.recv(100) == READY.encode()


@pytest.mark.parametrize("address", ["", "nowhere", "/nowhere/at/all"])
def test_without_a_manager_nothing_happens(address: str) -> None:
    notify(READY, address)
