"""An upgrade: another process of the same program takes over, and nobody notices."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import pytest

from gateway.process import upgrade
from gateway.process.upgrade import Upgrades
from gateway.process.upgrade_history import UpgradeHistory
from gateway.process.worker import RuntimeContext
from tests.process.conftest import PROGRAM, Start, about, exists, held, small_config
from tests.raw import until
from tests.running import START_LIMIT, Running
from tests.traffic import Traffic, traffic
from tests.upgrades import READY, STARTED, Upgradable, upgradable

WORKERS = pytest.mark.parametrize("workers", [1, 2])
OTHER = {"host": "127.0.0.2", "port": 0}
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8")


def config(running: Running, **changes: Any) -> dict[str, Any]:
    return small_config(running.file.parent, **changes)


def port_of(running: Running) -> int:
    port = urlsplit(running.http).port
    assert port is not None
    return port


@asynccontextmanager
async def serving(start: Start, **changes: Any) -> AsyncIterator[tuple[Upgradable, Traffic]]:
    """A gateway under constant traffic, none of which may fail."""
    running = start(**changes)
    with upgradable(running) as gateway:
        async with traffic(port_of(running)) as requests:
            yield gateway, requests


async def status(running: Running) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.management}/status") as response,
    ):
        document: dict[str, Any] = await response.json()
        return document


async def seen(condition: Callable[[], Any]) -> None:
    """Waits until an awaitable condition holds."""
    async with asyncio.timeout(START_LIMIT):
        while not await condition():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.02)


@WORKERS
async def test_several_upgrades_in_a_row_lose_no_request_and_no_slow_stream(
    start: Start, workers: int
) -> None:
    async with serving(start, workers=workers) as (gateway, requests):
        running = gateway.running
        async with held(running) as slow:
            for number in (1, 2, 3):
                running.write(config(running, workers=workers, version=f"version-{number}"))
                pid = await gateway.upgraded()
                await requests.more()
                assert (await about(running))["version"] == f"version-{number}"
                report = await status(running)
                assert report["pid"] == pid
                assert report["last_upgrade"]["number"] == number
                assert report["last_upgrade"]["ok"]
            assert len(set(gateway.pids)) == 4
            assert running.running, "it still has the slow request"
            assert await slow.finish() == {"version": "one"}
        assert await running.ended(handed_on=True) == 0
        await requests.more()


@pytest.mark.parametrize(
    ("workers", "content", "reason"),
    [
        (1, "broken", "not upgraded: it does$"),
        (2, "broken", "not upgraded: it does$"),
        # What it says comes the same way, whoever serves meanwhile.
        (2, "buggy", "not upgraded: (KeyError: 'buggy'|'buggy')"),
        (1, "server: [", "not upgraded: .*first problem"),
    ],
)
async def test_a_program_that_fails_leaves_the_old_one_as_it_was(
    start: Start, workers: int, content: str, reason: str
) -> None:
    running = start(workers=workers)
    gateway = Upgradable(running)
    async with traffic(port_of(running)) as requests:
        before = running.children()
        version = content if content.isalpha() else None
        running.write(config(running, workers=workers, version=version) if version else content)
        await gateway.stays(reason)
        await requests.more()
        assert running.children() == before
        found = (await status(running))["last_upgrade"]
        assert (found["number"], found["ok"], found["to_version"]) == (1, False, None)
        assert any(re.search(reason, f"not upgraded: {line}") for line in found["problems"])
        running.write(config(running, workers=workers, version="mended"))
        await gateway.upgraded()
        await requests.more()
        assert (await about(running))["version"] == "mended"
    gateway.signal(signal.SIGTERM)
    gateway.await_end()
    assert await running.ended() == 0


@WORKERS
async def test_asked_for_twice_at_once_it_happens_once(start: Start, workers: int) -> None:
    async with serving(start, workers=workers) as (gateway, requests):
        before = gateway.count(READY)
        gateway.signal(signal.SIGUSR2)
        await gateway.more(STARTED, 0)
        gateway.signal(signal.SIGUSR2)
        gateway.signal(signal.SIGUSR2)
        await gateway.more(READY, before)
        gateway.pids.append((await status(gateway.running))["pid"])
        await requests.more()
        assert gateway.count(STARTED) == 1
        assert (await status(gateway.running))["last_upgrade"]["number"] == 1


async def test_an_upgrade_that_is_asked_for_while_a_reload_does_one_is_that_one(start: Start) -> None:
    async with serving(start, workers=1) as (gateway, requests):
        running, ready = gateway.running, gateway.count(READY)
        running.write(config(running, workers=2, version="two"))
        gateway.signal(signal.SIGHUP)
        await gateway.more(STARTED, 0)
        gateway.signal(signal.SIGUSR2)
        await gateway.more(re.compile("an upgrade is under way already"), 0)
        await gateway.more(READY, ready)
        document = await status(running)
        gateway.pids.append(document["pid"])
        assert (document["last_reload"]["number"], document["last_reload"]["ok"]) == (1, True)
        assert (document["last_upgrade"]["number"], document["last_upgrade"]["ok"]) == (1, True)
        await requests.more()
        assert gateway.count(STARTED) == 1


@linux
async def test_a_reload_makes_several_workers_of_one_and_one_of_several(start: Start) -> None:
    async with serving(start, workers=1) as (gateway, requests):
        running = gateway.running
        async with held(running) as slow:
            running.write(config(running, workers=3, version="three"))
            await gateway.upgraded(signal.SIGHUP)
            await requests.more()
            document = await status(running)
            assert len(document["workers"]) == 3
            assert document["last_reload"]["ok"]
            assert (document["last_reload"]["number"], document["last_reload"]["needs_restart"]) == (1, [])
            running.write(config(running, workers=1, version="one-again"))
            gateway.signal(signal.SIGHUP)

            async def one() -> bool:
                found = await status(running)
                return len(found["workers"]) == 1 and found["last_reload"]["number"] == 2

            await seen(one)
            await requests.more()
            assert gateway.count(STARTED) == 1, "a gateway whose workers are processes can have one"
            running.write(config(running, workers=2, version="two"))
            gateway.signal(signal.SIGHUP)

            async def two() -> bool:
                return len((await status(running))["workers"]) == 2

            await seen(two)
            await requests.more()
            assert gateway.count(STARTED) == 1
            assert await slow.finish() == {"version": "one"}


@WORKERS
@linux
async def test_listeners_and_the_management_listener_change_with_it(
    start: Start, workers: int, tmp_path: Path
) -> None:
    path = tmp_path / "api.sock"
    first = {"host": "127.0.0.1", "port": 0}
    async with serving(start, workers=workers, listen=[first, OTHER, {"unix": str(path)}]) as (
        gateway,
        requests,
    ):
        running = gateway.running
        other = urlsplit(running.addresses("http")[1])
        inode = path.stat().st_ino
        changed = config(running, workers=workers, listen=[first, {"unix": str(path)}])
        changed["management"] = {"host": "127.0.0.2", "port": 0}
        running.write(changed)
        await gateway.upgraded()
        await requests.more()
        await seen(lambda: _refused(other.hostname or "", other.port or 0))
        management = urlsplit(running.management)
        await seen(lambda: _refused(management.hostname or "", management.port or 0))
        await until(lambda: len(running.children()) == 0 or not running.running)
        assert path.stat().st_ino == inode, "its file is the same"
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert not path.exists(), "the last one has removed it"


async def _refused(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionError:
        return True
    writer.close()
    return False


@WORKERS
async def test_at_a_shutdown_what_is_left_of_the_program_before_ends_too(start: Start, workers: int) -> None:
    running = start(workers=workers, timeouts={"drain": 2.0})
    with upgradable(running) as gateway:
        async with await running.connect() as endless:
            await endless.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
            await endless.receive(body=False)
            for _ in range(2):
                await gateway.upgraded()
            assert running.running, "it still has the stream"
            gateway.signal(signal.SIGTERM)
            assert await running.ended() == 0
        assert running.found("shutdown timed out: 1 connections closed")


@WORKERS
async def test_a_gateway_that_is_stopped_meanwhile_ends_what_it_has_started(
    start: Start, workers: int
) -> None:
    running = start(workers=workers)
    gateway = Upgradable(running)
    running.write(config(running, workers=workers, version="hangs"))
    gateway.signal(signal.SIGUSR2)
    await gateway.more(re.compile("small: hangs"), 0)
    assert (await about(running))["version"] == "one"
    gateway.signal(signal.SIGTERM)
    assert await running.ended() == 0
    gateway.await_end()


@WORKERS
async def test_if_the_gateway_is_killed_meanwhile_the_next_one_does_not_serve(
    start: Start, workers: int
) -> None:
    running = start(workers=workers)
    gateway = Upgradable(running)
    gateway.signal(signal.SIGUSR2)
    started = STARTED.search(await gateway.more(STARTED, 0))
    assert started is not None
    os.kill(int(started[1]), signal.SIGSTOP)
    os.kill(running.pid, signal.SIGKILL)
    os.kill(int(started[1]), signal.SIGCONT)
    gateway.await_end()
    assert running.found("gatepost: the program that was to be replaced has ended")


@WORKERS
async def test_the_service_manager_follows_to_the_next_process(
    start: Start, tmp_path: Path, workers: int
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(START_LIMIT)
        folder = tmp_path / "gateway"
        folder.mkdir()
        running = Running(
            small_config(folder, workers=workers), folder, program=PROGRAM, NOTIFY_SOCKET=str(address)
        )
        await asyncio.to_thread(running.await_ready)
        assert manager.recv(100) == b"READY=1"
        with upgradable(running) as gateway:
            for _ in range(2):
                pid = await gateway.upgraded()
                assert manager.recv(100).startswith(b"RELOADING=1\n")
                assert manager.recv(100) == f"MAINPID={pid}\nREADY=1".encode()
            running.write(small_config(folder, version="broken"))
            await gateway.stays("not upgraded: it does")
            assert manager.recv(100).startswith(b"RELOADING=1\n")
            assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"STOPPING=1", "only of the one that served last"
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(100)
        assert not any(exists(pid) for pid in running.children())


def upgrades(*, edge: bool = False) -> Upgrades:
    context = SimpleNamespace(
        edge=SimpleNamespace(running=edge), upgrades=UpgradeHistory(lambda: 7.0), takeover=None
    )
    return Upgrades(cast(RuntimeContext, context), "")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a process namespace of its own")
@linux
async def test_as_process_1_a_reload_says_what_takes_a_restart_and_applies_the_rest(tmp_path: Path) -> None:
    running = Running(
        small_config(tmp_path),
        tmp_path,
        program=PROGRAM,
        starter=("unshare", "--pid", "--fork", "--kill-child"),
    )
    try:
        await asyncio.to_thread(running.await_ready)
        (gateway,) = running.children()
        changed = small_config(tmp_path, version="rest", workers=2)
        changed["server"]["state_dir"] = str(tmp_path / "other")
        running.write(changed)
        os.kill(gateway, signal.SIGHUP)
        await running.line("server.state_dir changed: restart to apply it")
        await running.line("server.workers changed: restart to apply it")
        assert (await about(running))["version"] == "rest"
        os.kill(gateway, signal.SIGUSR2)
        await running.line("not upgraded: the gateway is process 1")
        assert (await about(running))["version"] == "rest"
        os.kill(gateway, signal.SIGTERM)
        assert await running.ended() == 0
    finally:
        running.kill()


def test_where_it_can_not_be_it_is_refused_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert upgrades().refusal() is None
    assert upgrades().can_apply(["server.workers", "server.state_dir"])
    assert not upgrades().can_apply(["server.workers", "server.listen"])
    assert not upgrades().can_apply(["management"])
    asked = upgrades(edge=True)
    asked.begin()
    assert not asked.under_way
    assert "not upgraded: the Envoy of listeners with http: 2 or 3 can't be handed on" in caplog.text
    monkeypatch.setattr(upgrade, "_INIT", os.getpid())
    refusal = upgrades().refusal()
    assert refusal is not None
    assert "process 1" in refusal
    assert not upgrades().can_apply(["server.workers"])
