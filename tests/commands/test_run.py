"""`gatepost run`, as an operator starts it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from gateway.commands.run import with_workers
from tests.commands.conftest import gatepost
from tests.config.example import settings
from tests.running import Running

SERVER = """\
server: {listen: [{host: 127.0.0.1, port: 0}], workers: %s}
management: {host: 127.0.0.1, port: 0}
"""


def test_the_command_line_has_the_last_word_on_workers() -> None:
    of_file = settings("server: {workers: 3, max_body: 1k}")
    assert with_workers(of_file, None).server.workers == 3
    changed = with_workers(of_file, 2).server
    assert (changed.workers, changed.max_body) == (2, 1024)


@pytest.fixture
def config(file: Path) -> str:
    """A configuration that can be served."""
    return file.read_text() + SERVER % 1


@pytest.mark.parametrize("workers", ["0", "-1", "many"])
def test_less_than_one_worker_is_refused(file: Path, workers: str) -> None:
    result = gatepost("run", "--workers", workers)
    assert result.exit_code == 2
    assert "Invalid value for '--workers'" in result.stderr


def test_a_file_that_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "gateway", "run", "-c", str(tmp_path / "no.yaml")]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"{tmp_path}/no.yaml:1:1: can't be read: No such file or directory\n"


SHIPPED = """\
clients: [{id: demo, secrets: ["${DEMO_SECRET:-demo-secret}"]}]
portal: {users: [{name: admin, password: "${PORTAL_PASSWORD:-demo-password}", admin: true}]}
server: {listen: [{host: %s, port: 0}], public_url: "http://localhost"}
management: false
"""


def test_the_shipped_secrets_are_not_served_to_other_machines(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(SHIPPED % "0.0.0.0")
    words = [sys.executable, "-m", "gateway", "run", "-c", str(tmp_path / "gateway.yaml")]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    client, user = ended.stderr.splitlines()
    assert "gateway.yaml:1:32: clients[0].secrets[0]: " in client
    assert "gateway.yaml:2:42: portal.users[0].password: " in user


@pytest.mark.parametrize(
    ("host", "environment"),
    [
        ("127.0.0.1", {}),
        ("0.0.0.0", {"DEMO_SECRET": "one-of-ones-own", "PORTAL_PASSWORD": "another of them"}),
    ],
)
def test_the_shipped_file_is_served_on_this_machine_or_with_secrets_of_ones_own(
    tmp_path: Path, host: str, environment: dict[str, str]
) -> None:
    running = Running(SHIPPED % host, tmp_path, **environment)
    try:
        running.await_ready()
    finally:
        running.stop()


async def test_a_reload_does_not_bring_the_shipped_secrets_in(tmp_path: Path) -> None:
    own = {"DEMO_SECRET": "one-of-ones-own", "PORTAL_PASSWORD": "another of them"}
    running = Running(SHIPPED % "0.0.0.0", tmp_path, **own)
    try:
        running.await_ready()
        running.write((SHIPPED % "0.0.0.0").replace("${DEMO_SECRET:-demo-secret}", "demo-secret"))
        running.signal(signal.SIGHUP)
        await running.line("configuration not reloaded")
    finally:
        running.stop()


async def test_it_serves_with_so_many_workers_also_after_a_reload(config: str, tmp_path: Path) -> None:
    running = Running(config, tmp_path, "--workers", "2")
    try:
        running.await_ready()
        assert "2 workers" in (running.found("gatepost: ready on ") or "")
        before = set(running.children())
        assert len(before) == 2
        running.write(config.replace("Demo application", "Changed"))
        running.signal(signal.SIGHUP)
        async with asyncio.timeout(30):
            while len(after := set(running.children()) - before) != 2:  # noqa: ASYNC110 (the old ones go by and by)
                await asyncio.sleep(0.02)
        assert len(after) == 2
        async with aiohttp.ClientSession() as session, session.get(f"{running.http}/orders") as answer:
            assert answer.status == 401
    finally:
        running.stop()


def test_the_store_of_a_closed_door_is_named_and_ends_nothing_else(file: Path) -> None:
    """A store that is away when the gateway starts: it serves, and lets nobody in until the store is back."""
    running = Running(
        (SERVER % 1) + "store: {url: 'unix:///nowhere/valkey.sock', timeout: 100ms}\n",
        file.parent,
        GATEPOST_CONFIG=os.devnull,
    )
    try:
        running.await_ready()
        assert running.found("store")
    finally:
        running.stop()
