"""The embedded store: it hangs, its gateway is killed, and it is restarted while streams are open."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.store.embedded.lock import FileLock, read_pid
from gateway.store.embedded.socket_path import LOCK, PID_FILE, SOCKET
from tests.bounds import lag_noted
from tests.faults.stage import Caller, seconds_until
from tests.ports import free_port
from tests.raw import RawClient, RawMessage, RawUpstream
from tests.running import Running
from tests.web_gateway import request, web_config


async def endless(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """A download that never ends. (Event streams are ended at a shutdown.)"""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"more")
        await writer.drain()
        await asyncio.sleep(0.05)
    return False


def embedded_config(upstream: RawUpstream, folder: Path, workers: int) -> dict[str, Any]:
    """Fixed ports and directory, as a service has them that is restarted."""
    config = web_config(upstream, "embedded", "test:")
    config["server"]["listen"] = [{"host": "127.0.0.1", "port": free_port()}]
    config["server"]["workers"] = workers
    config["server"]["state_dir"] = str(folder / "state")
    config["server"]["timeouts"]["drain"] = "20s"
    config["management"]["port"] = free_port()
    return config


@asynccontextmanager
async def open_stream(gateway: Running) -> AsyncIterator[RawClient]:
    """A client in the middle of a response that does not end."""
    async with await gateway.connect() as client:
        await client.send(request("/open"))
        assert (await client.receive(body=False)).status == 200
        yield client


def run(config: dict[str, Any], folder: Path, name: str) -> Running:
    (folder / name).mkdir()
    return Running(config, folder / name)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_planned_restart_does_not_wait_for_open_streams(
    upstream: RawUpstream, tmp_path: Path, workers: int
) -> None:
    config = embedded_config(upstream, tmp_path, workers)
    old = run(config, tmp_path, "old")
    await asyncio.to_thread(old.await_ready)
    caller = Caller(old)
    token = await caller.token(600)
    upstream.reset(endless)
    async with open_stream(old):
        async with lag_noted() as lag:
            with watched(tmp_path / "state" / "store" / SOCKET) as unanswered:
                old.signal(signal.SIGTERM)
                await seconds_until(lambda: _is_refused(old))
                assert (await caller.ready())[0] == 503, "it drains"
                new = run(config, tmp_path, "new")
                await asyncio.to_thread(new.await_ready)
        # The rest of a restart is the time that Python takes to load the gateway; the store serves meanwhile.
        assert not unanswered or unanswered[-1] - unanswered[0] < 1 + lag.longest
        assert old.running, "its stream is still open"
        upstream.reset()
        successor = Caller(new)
        assert await successor.use(token) == 200, "tokens are as before"
        assert (await successor.ready())[0] == 200
    await old.ended(within=20)
    # The old one, when it ends, takes nothing from its successor.
    assert await successor.use(token) == 200
    for one in (caller, successor):
        await one.close()
    new.stop()


@contextmanager
def watched(store: Path) -> Iterator[list[float]]:
    """Asks the store all the time. The moments of the questions that it did not answer."""
    unanswered: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.002):
            asked = time.monotonic()
            try:
                with redis.Redis(unix_socket_path=str(store), socket_timeout=5, retry=None) as client:
                    client.ping()
            except redis.RedisError:
                unanswered.append(asked)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield unanswered
    finally:
        over.set()
        thread.join()


async def _is_refused(gateway: Running) -> bool:
    try:
        client = await gateway.connect()
    except ConnectionError:
        return True
    await client.close()
    return False


async def test_after_its_gateway_was_killed_nobody_holds_the_directory(
    upstream: RawUpstream, tmp_path: Path
) -> None:
    gateway = run(embedded_config(upstream, tmp_path, workers=2), tmp_path, "killed")
    await asyncio.to_thread(gateway.await_ready)
    upstream.reset(endless)
    async with open_stream(gateway):
        os.kill(gateway.pid, signal.SIGKILL)
        begun = time.monotonic()
        # Its workers finish their stream; they hold neither the directory nor the server's files.
        await seconds_until(lambda: _is_free(tmp_path / "state"))
        assert time.monotonic() - begun < 5
    gateway.kill()


async def _is_free(state: Path) -> bool:
    return not FileLock(state / LOCK).held() and not FileLock(state / "store" / "server.lock").held()


async def test_a_server_that_hangs_is_replaced_and_everything_heals(
    upstream: RawUpstream, tmp_path: Path
) -> None:
    gateway = run(embedded_config(upstream, tmp_path, 1), tmp_path, "hanging")
    await asyncio.to_thread(gateway.await_ready)
    caller = Caller(gateway)
    token = await caller.token(600)
    await asyncio.sleep(1.1)  # the store syncs its file every second
    pid = read_pid(tmp_path / "state" / "store" / PID_FILE)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    async def healed() -> bool:
        return await caller.use(token) == 200 and await caller.issue() == 200

    await seconds_until(lambda: _differs(tmp_path / "state" / "store" / PID_FILE, pid))
    await seconds_until(healed)
    await gateway.line("embedded store does not answer")
    await caller.close()
    gateway.stop()


async def _differs(file: Path, pid: int) -> bool:
    return read_pid(file) not in (None, pid)
