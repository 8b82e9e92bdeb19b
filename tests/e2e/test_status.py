"""Asking the running gateway: status, routes, top, reload and diff --running."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import yaml

from tests.commands.conftest import gatepost
from tests.e2e.conftest import CLIENT, SECRET, StartGateway, configuration
from tests.ports import free_port
from tests.raw import RawUpstream
from tests.running import START_LIMIT, Running


def shown(running: Running, command: str, *arguments: str) -> Any:
    result = gatepost(command, "--url", running.management, "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.fixture(name="free_port")
def any_free_port() -> int:
    return free_port()


@pytest.fixture(params=[1, 2])
def workers(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture
def running(gateway: StartGateway, upstream: RawUpstream, workers: int) -> Running:
    return gateway(configuration(upstream.url, server={"workers": workers}))


def change(running: Running, **sections: Any) -> None:
    running.write({**yaml.safe_load(running.file.read_text()), **sections})


async def document(url: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
        return await response.json()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not await condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.05)


async def get(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        await response.read()
        return response.status


async def test_status_tells_of_configuration_workers_and_upstreams(running: Running, workers: int) -> None:
    status = shown(running, "status")
    assert status["pid"] == running.pid
    assert status["configuration"]["file"].endswith("gateway.yaml")
    assert len(status["configuration"]["hash"]) == 12
    assert status["last_reload"] is None
    assert [worker["pid"] for worker in status["workers"]] == (
        sorted(running.children()) if workers > 1 else [running.pid]
    )
    for worker in status["workers"]:
        assert worker["store_connected"] is True
        assert worker["memory_bytes"] > 10_000_000
        assert 0 < worker["open_files"] < worker["max_open_files"]
    (server,) = status["upstreams"]["backend"]
    assert (server["healthy"], server["breaker"]) == (True, "closed")
    words = gatepost("status", "--url", running.management).stdout
    assert f"pid {running.pid}" in words
    assert "none since the start" in words


async def test_routes_count_their_requests(running: Running) -> None:
    for _ in range(3):
        assert await get(f"{running.http}/orders") == 401

    async def counted() -> bool:
        routes = (await document(f"{running.management}/routes"))["routes"]
        return [route["requests"] for route in routes if route["path"] == "/orders"] == [3]

    # Another worker's count is known a second later.
    await until(counted)
    words = gatepost("routes", "--url", running.management).stdout.splitlines()
    assert words[0].split() == ["ROUTE", "METHODS", "ACCESS", "UPSTREAM", "PLUGINS", "REQUESTS"]
    assert words[1].split()[:-1] == ["/orders", "all", "token", "orders.read", "backend", "-"]


async def test_routes_of_one_path_count_their_own_methods(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    routes = [{"path": "/orders", "methods": [method], "upstream": "backend"} for method in ("GET", "POST")]
    running = gateway(configuration(upstream.url, routes=routes))
    assert await get(f"{running.http}/orders") == 401
    shown_routes = (await document(f"{running.management}/routes"))["routes"]
    assert [route["requests"] for route in shown_routes] == [1, 0]


def test_top_shows_a_table_for_each_interval(running: Running) -> None:
    result = gatepost("top", "--url", running.management, "--interval", "0.1", "--count", "2")
    assert result.exit_code == 0
    assert result.stdout.count("REQUESTS/S") == 2


def test_reload_waits_and_says_what_changed(running: Running, workers: int) -> None:
    before = shown(running, "status")["configuration"]["hash"]
    change(running, clients=[{"id": CLIENT, "secrets": ["another-long-secret"], "scopes": []}])
    result = gatepost("reload", "--url", running.management)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == f"{CLIENT} may no longer call any method of /orders"
    assert f"client {CLIENT}: secrets changed" in result.stdout
    assert "another-long-secret" not in result.stdout + running.output
    status = shown(running, "status")
    assert (status["last_reload"]["number"], status["last_reload"]["ok"]) == (1, True)
    assert status["configuration"]["hash"] != before
    again = gatepost("reload", "--url", running.management)
    assert (again.exit_code, again.stdout) == (0, "reloaded: nothing has changed\n")


def test_a_reload_that_fails_says_why_and_keeps_what_runs(running: Running) -> None:
    before = shown(running, "status")["configuration"]["hash"]
    running.file.write_text(running.file.read_text() + "\nnonsense: 1\n")
    result = gatepost("reload", "--url", running.management)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nonsense: unknown key" in result.stderr
    assert result.stderr.splitlines()[-1] == "not reloaded: the gateway keeps its configuration"
    status = shown(running, "status")
    assert (status["last_reload"]["ok"], status["configuration"]["hash"]) == (False, before)


def test_what_needs_a_restart_is_named(running: Running) -> None:
    change(running, management=False)
    result = gatepost("reload", "--url", running.management)
    assert result.exit_code == 0
    assert result.stderr == "management changed: restart to apply it\n"
    assert shown(running, "status")["last_reload"]["needs_restart"] == ["management"]


def test_diff_running_compares_with_the_file(
    gateway: StartGateway, upstream: RawUpstream, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = gateway(configuration(upstream.url, management={"port": free_port}))
    monkeypatch.chdir(running.file.parent)
    assert gatepost("diff", "--running").stdout == "no difference\n"
    change(running, routes=[])
    result = gatepost("diff", "--running")
    assert "route /orders is gone" in result.stdout or "2 routes are gone (/orders, /open)" in result.stdout
    assert f"{CLIENT} may no longer call any method of /orders" in result.stdout


async def test_the_configuration_is_readable_with_the_master_key_only(running: Running) -> None:
    shown = await document(f"{running.management}/configuration")
    assert shown["sealed"]
    assert SECRET not in base64.b64decode(shown.pop("sealed")).decode("latin-1") + json.dumps(shown)


async def test_browsers_get_a_page(running: Running) -> None:
    headers = {"Accept": "text/html,application/xhtml+xml"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{running.management}/status") as response,
    ):
        page = await response.text()
        assert response.content_type == "text/html"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert '<th scope="row">version</th>' in page


@pytest.mark.parametrize("command", ["status", "routes", "top", "reload"])
def test_a_gateway_that_does_not_run_is_said_in_one_line(command: str, free_port: int) -> None:
    result = gatepost(command, "--url", f"http://127.0.0.1:{free_port}")
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.endswith("connection refused; is the gateway running?")


async def test_a_changed_file_is_reloaded_by_itself_with_watch(
    gateway: StartGateway, upstream: RawUpstream, workers: int
) -> None:
    running = gateway(configuration(upstream.url, server={"workers": workers, "watch": True}))
    change(running, scopes={"default": ["changed"]})

    async def reloaded() -> bool:
        report = (await document(f"{running.management}/status"))["last_reload"]
        return report is not None and report["ok"]

    await until(reloaded)
    report = (await document(f"{running.management}/status"))["last_reload"]
    assert any("scopes.default" in line for line in report["changes"])


def levels(running: Running, *arguments: str) -> set[str]:
    result = gatepost("log-level", "-c", str(running.file), *arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)["workers"]
    assert set(map(int, found)) == set(running.children() or [running.pid])
    return set(found.values())


def test_the_log_level_is_changed_in_every_worker_without_a_reload(
    gateway: StartGateway,
    upstream: RawUpstream,
    workers: int,
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = configuration(upstream.url, management={"host": "127.0.0.1", "port": free_port})
    running = gateway(config, workers=workers)
    monkeypatch.chdir(running.file.parent)
    assert levels(running) == {"warning"}
    assert levels(running, "debug") == {"debug"}
    deadline = time.monotonic() + START_LIMIT
    while len([line for line in running.lines[:] if "log level is debug now" in line]) < workers:
        assert time.monotonic() < deadline, running.output
        time.sleep(0.01)
    assert levels(running, "reset") == {"warning"}
    assert shown(running, "status")["last_reload"] is None
    result = gatepost("log-level", "loud")
    assert result.exit_code == 2


def test_a_level_outlives_a_reload_and_ends_with_a_restart(
    gateway: StartGateway, upstream: RawUpstream, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configuration(upstream.url, management={"host": "127.0.0.1", "port": free_port})
    running = gateway(config)
    monkeypatch.chdir(running.file.parent)
    assert levels(running, "info") == {"info"}
    assert gatepost("reload", "--url", running.management).exit_code == 0
    assert levels(running, "info") == {"info"}
    running.stop()
    again = Running(running.file.read_text(), running.file.parent)
    again.await_ready()
    assert levels(again) == {"warning"}
    again.stop()
