"""More requests than can be answered, in an open loop: they come when they are due, whatever others do."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import aiohttp
import pytest

from tests.e2e.conftest import StartGateway, configuration
from tests.raw import RawUpstream
from tests.running import START_LIMIT, Running

PLUGIN = '''
import time
from gateway.plugin import PluginConfig, ProxyPlugin

class Blocking(ProxyPlugin):
    """Holds the event loop up, as a plugin does that computes for too long."""
    Config = PluginConfig
    def on_request(self, exchange):
        time.sleep(0.02)
'''
SECONDS = 2.5
TAKES = 0.02
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Answered:
    """One request's outcome."""

    status: int
    seconds: float
    retry_after: str | None
    code: str | None


async def ask(session: aiohttp.ClientSession, url: str, due: float) -> Answered:
    async with session.get(url) as response:
        document = await response.json() if "problem" in response.content_type else {}
        took = time.monotonic() - due
        return Answered(response.status, took, response.headers.get("Retry-After"), document.get("code"))


async def open_loop(session: aiohttp.ClientSession, url: str, rate: float, seconds: float) -> list[Answered]:
    """Requests at a fixed rate. One that begins late is measured from when it was due."""
    begun = time.monotonic()
    tasks = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(ask(session, url, due)))
    async with asyncio.timeout(START_LIMIT):
        return list(await asyncio.gather(*tasks))


def split(answers: list[Answered]) -> tuple[list[float], list[Answered]]:
    """How long those took that were let in, and the refused ones."""
    refused = [one for one in answers if one.status == 503]
    admitted = sorted(one.seconds for one in answers if one.status == 200)
    assert len(admitted) + len(refused) == len(answers)
    return admitted, refused


async def back_to_normal(session: aiohttp.ClientSession, url: str) -> None:
    """A second after the load nothing is refused any more, at a rate that can be answered."""
    await asyncio.sleep(1)
    assert split(await open_loop(session, url, 10, 1))[1] == []


def unlimited() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


@contextmanager
def slow_server(takes: float) -> Iterator[str]:
    """Answers one request after the other, each in its time: what waits, waits in its own queue."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    queue: asyncio.Queue[asyncio.StreamWriter]
    writers: list[asyncio.StreamWriter] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                queue.put_nowait(writer)

    async def serve() -> None:
        nonlocal queue
        queue, over = asyncio.Queue(), asyncio.Event()
        loops.append((asyncio.get_running_loop(), over))
        server = await asyncio.start_server(accept, sock=listening)
        ended = asyncio.create_task(over.wait())
        while not over.is_set():
            following = asyncio.create_task(queue.get())
            await asyncio.wait({following, ended}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                await asyncio.sleep(takes)
                following.result().write(RESPONSE)
            following.cancel()
        server.close()
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        while not loops:
            time.sleep(0.01)
        loop, over = loops[0]
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def counted(running: Running, limit: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as answer:
        name = f'gatepost_limits_reached_total{{limit="{limit}"}} '
        return sum(
            float(line.split()[-1]) for line in (await answer.text()).splitlines() if line.startswith(name)
        )


async def test_an_upstream_with_twice_its_load_answers_what_is_let_in_in_time(gateway: StartGateway) -> None:
    with slow_server(TAKES) as url:
        servers = {"servers": [{"url": url}], "adaptive_concurrency": {"min_concurrency": 1}}
        running = gateway(configuration(url, upstreams={"backend": servers}))
        async with unlimited() as session:
            target = f"{running.http}/open"
            assert split(await open_loop(session, target, 0.5 / TAKES, 1))[1] == []
            admitted, refused = split(await open_loop(session, target, 2 / TAKES, SECONDS))
            # Without a limit, the last one would wait for as long as the load lasts.
            assert admitted[len(admitted) // 2] < SECONDS / 3
            assert len(refused) > len(admitted) / 4
            assert {(one.retry_after, one.code) for one in refused} == {("1", "503")}
            await back_to_normal(session, target)
        assert await counted(running, "adaptive_concurrency") == len(refused)
        assert running.found("limit adaptive_concurrency reached by 127.0.0.1")
        assert len([line for line in running.lines if "limit adaptive_concurrency" in line]) < SECONDS + 4


@pytest.mark.parametrize("fast_lane", [True, False], ids=["fast_path", "aiohttp"])
async def test_a_worker_with_twice_its_load_refuses_routes_and_answers_its_own_endpoints(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path, fast_lane: bool
) -> None:
    (tmp_path / "blocking_plugin.py").write_text(PLUGIN)
    server = {"max_event_loop_delay": "30ms", "fast_lane": fast_lane}
    config = configuration(upstream.url, server=server, plugins=[{"use": "blocking_plugin:Blocking"}])
    running = gateway(config, PYTHONPATH=str(tmp_path))
    async with unlimited() as session:
        target = f"{running.http}/open"
        load = asyncio.create_task(open_loop(session, target, 2 / TAKES, SECONDS))
        own = []
        while not load.done():
            own.append((await ask(session, f"{running.http}/jwks", time.monotonic())).status)
            own.append((await ask(session, f"{running.management}/healthz", time.monotonic())).status)
        assert set(own) == {200}
        admitted, refused = split(await load)
        assert admitted[len(admitted) // 2] < SECONDS / 3
        assert len(refused) > len(admitted) / 4
        assert {(one.retry_after, one.code) for one in refused} == {("1", "503")}
        await back_to_normal(session, target)
    assert await counted(running, "server.max_event_loop_delay") == len(refused)
    assert running.found("limit server.max_event_loop_delay reached by 127.0.0.1")
