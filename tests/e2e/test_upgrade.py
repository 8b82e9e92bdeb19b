"""`gatepost upgrade`: the real program takes the place of the real program, with the store it keeps."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from gateway.store.embedded.lock import FileLock, read_pid
from gateway.store.embedded.socket_path import LOCK, PID_FILE
from tests.commands.conftest import gatepost
from tests.faults.stage import Caller
from tests.ports import free_port
from tests.raw import RawUpstream, until
from tests.running import ROOT, Running
from tests.traffic import traffic
from tests.upgrades import READY, STARTED, Upgradable, upgradable
from tests.web_gateway import web_config


@pytest.fixture(params=[1, 2])
def gateway(upstream: RawUpstream, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Upgradable]:
    """One with the embedded store."""
    config = web_config(upstream, "embedded", "test:")
    config["server"] |= {"workers": request.param, "state_dir": str(tmp_path / "state")}
    config["store"]["timeout"] = "10s"  # on a loaded machine a process that starts may keep the store waiting
    running = Running(config, tmp_path)
    running.await_ready()
    with upgradable(running) as found:
        yield found


def asking(gateway: Upgradable) -> subprocess.Popen[str]:
    """`gatepost upgrade`, begun."""
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "upgrade", "--url", gateway.running.management],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def upgrade(gateway: Upgradable, *arguments: str) -> tuple[int, str, str]:
    """`gatepost upgrade`: its exit status, and what it has written."""
    result = await asyncio.to_thread(gatepost, "upgrade", "--url", gateway.running.management, *arguments)
    return result.exit_code, result.stdout, result.stderr


async def said(command: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The same of one that was begun."""
    output, errors = await asyncio.to_thread(command.communicate)
    return command.returncode, output, errors


async def status(running: Running) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{running.management}/status") as response,
    ):
        document: dict[str, Any] = await response.json()
        return document


def change(running: Running, **sections: Any) -> None:
    running.write({**yaml.safe_load(running.file.read_text()), **sections})


def port_of(running: Running) -> int:
    return int(running.http.rsplit(":", 1)[1])


async def used(running: Running, token: str) -> int:
    """The status of a request with the token, on a connection of its own."""
    caller = Caller(running)
    try:
        return await caller.use(token)
    finally:
        await caller.close()


async def test_upgrade_keeps_tokens_and_the_embedded_store(gateway: Upgradable, tmp_path: Path) -> None:
    running, store = gateway.running, tmp_path / "state" / "store"
    caller = Caller(running)
    token = await caller.token(600)
    await caller.close()
    server = read_pid(store / PID_FILE)
    async with traffic(port_of(running), "/open") as requests:
        for number in (1, 2):
            code, output, errors = await upgrade(gateway, "--json")
            assert (code, errors) == (0, "")
            assert json.loads(output)["number"] == number
            document = await status(running)
            gateway.pids.append(document["pid"])
            assert document["last_upgrade"] == json.loads(output)
            await requests.more()
            assert await used(running, token) == 200
    assert read_pid(store / PID_FILE) == server, "it is the same Valkey"
    assert read_pid(tmp_path / "state" / LOCK) == gateway.pid
    assert "last upgrade   from 0." in gatepost("status", "--url", running.management).stdout
    # The one that serves now restarts it, and takes it along when it is killed.
    assert server is not None
    os.kill(server, signal.SIGKILL)
    await until(lambda: read_pid(store / PID_FILE) not in (None, server))
    async with asyncio.timeout(30):
        while await used(running, token) != 200:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.05)
    gateway.signal(signal.SIGKILL)
    await until(lambda: not FileLock(store / "server.lock").held())
    await until(lambda: not FileLock(tmp_path / "state" / LOCK).held())


async def test_upgrade_asked_for_by_two_at_once_is_one(gateway: Upgradable) -> None:
    running = gateway.running
    async with traffic(port_of(running), "/open") as requests:
        first, second = asking(gateway), asking(gateway)
        answers = [await said(first), await said(second)]
        assert [code for code, _, _ in answers] == [0, 0], answers
        assert all(output.startswith("upgraded from ") for _, output, _ in answers)
        gateway.pids.append((await status(running))["pid"])
        await requests.more()


async def test_upgrade_to_a_program_that_does_not_start_says_why(gateway: Upgradable) -> None:
    running = gateway.running
    good = running.file.read_text()
    async with traffic(port_of(running), "/open") as requests:
        running.write(good + "\nnonsense: 1\n")
        code, output, errors = await upgrade(gateway)
        assert (code, output) == (1, "")
        assert f"{running.file}:" in errors
        assert "nonsense: unknown key" in errors
        assert "goes on" in errors
        running.write(good)
        server = yaml.safe_load(good)["server"]
        with socket.create_server(("127.0.0.1", 0)) as taken:
            listen = [*server["listen"], {"host": "127.0.0.1", "port": taken.getsockname()[1]}]
            change(running, server={**server, "listen": listen})
            code, _, errors = await upgrade(gateway)
        assert code == 1
        assert "address already in use by another process" in errors
        await requests.more()
        assert (await status(running))["pid"] == running.pid


async def test_a_reload_of_what_one_process_can_not_change_is_an_upgrade(
    gateway: Upgradable, tmp_path: Path
) -> None:
    running = gateway.running
    workers = len((await status(running))["workers"])
    async with traffic(port_of(running), "/open") as requests:
        ready = gateway.count(READY)
        server = yaml.safe_load(running.file.read_text())["server"]
        change(running, server={**server, "state_dir": str(tmp_path / "other"), "workers": 3 - workers})
        result = await asyncio.to_thread(gatepost, "reload", "--url", running.management)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.endswith("reloaded\n")
        await gateway.more(READY, ready)
        document = await status(running)
        gateway.pids.append(document["pid"])
        assert document["pid"] != running.pid
        assert len(document["workers"]) == 3 - workers
        assert document["last_reload"]["number"] == 1
        await requests.more()
        await running.ended(handed_on=True)
    assert not FileLock(tmp_path / "state" / LOCK).held(), "its store has ended with the one before"
    assert read_pid(tmp_path / "other" / "store" / PID_FILE) is not None


async def test_upgrade_is_refused_where_an_envoy_has_a_listener(
    upstream: RawUpstream, tmp_path: Path
) -> None:
    config = web_config(upstream, "embedded", "test:")
    edge = {"host": "127.0.0.1", "port": free_port(), "http": [1, 2], "tls": "auto"}
    config["server"] |= {
        "listen": [config["server"]["listen"][0], edge],
        "state_dir": str(tmp_path / "state"),
    }
    running = Running(config, tmp_path)
    await asyncio.to_thread(running.await_ready)
    gateway = Upgradable(running)
    code, output, errors = await upgrade(gateway)
    assert (code, output) == (1, "")
    assert errors.startswith(
        "the Envoy of listeners with http: 2 or 3 can't be handed on: start the new version"
    )
    assert gateway.count(STARTED) == 0, "nothing was started"
    assert (await status(running))["pid"] == running.pid
    running.stop()


def test_upgrade_of_a_gateway_that_can_not_is_refused() -> None:
    result = gatepost("upgrade", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "no response from http://127.0.0.1:1/status" in result.stderr
