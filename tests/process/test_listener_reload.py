"""Listeners and the number of workers change in a reload, and no request is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.process.conftest import Start, about, reload, small_config
from tests.raw import until
from tests.running import START_LIMIT, Running
from tests.traffic import traffic

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")

FIRST, SECOND, THIRD = ({"host": f"127.0.0.{last}", "port": 0} for last in (1, 2, 3))
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module", params=[1, 2])
def running(start_for_all: Start, request: pytest.FixtureRequest) -> Running:
    """A gateway whose first listener stays; each test leaves it alone in the end."""
    return start_for_all(workers=request.param)


def config(running: Running, *listeners: dict[str, Any], **changes: Any) -> dict[str, Any]:
    workers = 2 if running.children() else 1
    folder = running.file.parent
    return small_config(folder, **{"workers": workers, "listen": [FIRST, *listeners], **changes})


def port_of(running: Running) -> int:
    port = urlsplit(running.http).port
    assert port is not None
    return port


async def changed(running: Running, *listeners: dict[str, Any], **changes: Any) -> None:
    answer = await reload(running, config(running, *listeners, **changes))
    assert "the new configuration is active" in answer, running.output


async def address(running: Running, pattern: str) -> str:
    """The last word of the line that says where it listens now."""
    return (await running.line(f" listening on {pattern}")).rsplit(" ", 1)[1]


async def refused(url: str) -> None:
    """Waits until nobody listens there: workers accept to the end what has come before."""
    parts = urlsplit(url)
    async with asyncio.timeout(START_LIMIT):
        while True:
            try:
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            except ConnectionError:
                return
            writer.close()
            await asyncio.sleep(0.02)


async def asked(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, ssl=False) as response:
        await response.read()
        return response.status


async def test_listeners_are_added_moved_and_taken_away(running: Running) -> None:
    async with traffic(port_of(running)) as requests:
        await changed(running, SECOND)
        second = await address(running, r"http://127\.0\.0\.2")
        assert await asked(second) == 200
        await requests.more()
        await changed(running, THIRD)
        third = await address(running, r"http://127\.0\.0\.3")
        assert await asked(third) == 200
        await refused(second)
        await requests.more()
        await changed(running)
        await refused(third)
        await requests.more()


async def test_tls_is_switched_on_and_off(running: Running) -> None:
    async with traffic(port_of(running)) as requests:
        await changed(running, SECOND)
        plain = await address(running, "http://127")
        await changed(running, {**SECOND, "tls": "auto"})
        secure = await address(running, "https://127")
        assert urlsplit(secure).port == urlsplit(plain).port, "it is the same socket"
        async with asyncio.timeout(START_LIMIT):
            while True:
                try:
                    assert await asked(secure) == 200
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)  # a worker of before has taken it
        await changed(running, SECOND)
        await requests.more()
        await changed(running)
        await refused(plain)


async def test_a_unix_socket_comes_and_goes(running: Running) -> None:
    path = Path(f"/tmp/gatepost-{os.getpid()}-{running.pid}.sock")
    await changed(running, {"unix": str(path)})
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(GET)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    await changed(running)
    await until(lambda: not path.exists())


async def test_an_address_that_is_taken_is_named_and_nothing_changes(running: Running) -> None:
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        version = (await about(running))["version"]
        other = config(running, THIRD, {**SECOND, "port": port}, version="other")
        await reload(running, other)
        await running.line(
            rf"not reloaded: can't listen on http://127\.0\.0\.2:{port}: address already in use"
        )
        assert not running.found("listening on ")
        assert (await about(running))["version"] == version


async def test_a_configuration_that_does_not_start_opens_nothing(running: Running) -> None:
    version = (await about(running))["version"]
    await reload(running, config(running, SECOND, version="broken"))
    await running.line("not reloaded: it does")
    assert not running.found("listening on ")
    assert (await about(running))["version"] == version
    await changed(running)


async def test_more_workers_and_fewer_answer_every_request(start: Start) -> None:
    running = start(workers=2)
    async with traffic(port_of(running)) as requests:
        for workers in (4, 2, 3):
            await changed(running, SECOND, workers=workers, version=f"with-{workers}")
            async with asyncio.timeout(START_LIMIT):
                while len(running.children()) != workers:  # noqa: ASYNC110 (nothing tells)
                    await asyncio.sleep(0.05)
            await requests.more()


def waiting(port: int, number: int) -> list[socket.socket]:
    """Connections with a request, which the kernel has completed."""
    made = [socket.create_connection(("127.0.0.1", port), START_LIMIT) for _ in range(number)]
    for sock in made:
        sock.sendall(GET)
    return made


def answers(waiting: list[socket.socket]) -> list[bytes]:
    first_lines = []
    for sock in waiting:
        with sock, sock.makefile("rb") as file:
            first_lines.append(file.readline())
    return first_lines


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_answers_what_waits_to_be_accepted(start: Start, workers: int) -> None:
    running = start(workers=workers)
    serving = running.children() or [running.pid]
    for pid in serving:
        os.kill(pid, signal.SIGSTOP)
    queued = waiting(port_of(running), 12)
    running.signal(signal.SIGTERM)
    for pid in serving:
        os.kill(pid, signal.SIGCONT)
    assert await asyncio.to_thread(answers, queued) == [b"HTTP/1.1 200 OK\r\n"] * 12
    assert await running.ended() == 0


async def test_what_waits_at_a_listener_that_is_taken_away_is_answered(start: Start) -> None:
    running = start(workers=2)
    first, before = port_of(running), running.children()
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    queued = waiting(first, 12)
    await reload(running, small_config(running.file.parent, workers=2, listen=[SECOND]))
    await running.line("no longer listening on ")
    for pid in before:
        os.kill(pid, signal.SIGCONT)
    assert await asyncio.to_thread(answers, queued) == [b"HTTP/1.1 200 OK\r\n"] * 12
    await refused(f"http://127.0.0.1:{first}")
