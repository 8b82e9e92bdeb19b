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
        time.sleep(0.05)
'''
SECONDS = 2.5
TAKES = 0.02
"""Seconds for each request at the upstream."""
BLOCKS = 0.05
"""Seconds for which a request holds the worker up: far more than what a busy machine takes to refuse one."""
ROUNDS = 5
"""Loads, of which one must show it."""
FEW = 1 / 8
"""Of the requests that can be answered during the load. Without a limit, the one in the middle would wait for
half of them, whatever the machine does meanwhile: this counts, and measures no time.
"""
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Answered:
    """One request's outcome."""

    status: int
    waited_for: int
    """So many others were let in and answered between its sending and its answer."""
    retry_after: str | None
    code: str | None


class OpenLoop:
    """Requests for one URL at a fixed rate."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url
        self._let_in = 0

    async def run(self, rate: float, seconds: float) -> list[Answered]:
        begun = time.monotonic()
        tasks = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(self._ask()))
        async with asyncio.timeout(START_LIMIT):
            return list(await asyncio.gather(*tasks))

    async def _ask(self) -> Answered:
        before = self._let_in
        async with self._session.get(self._url) as response:
            document = await response.json() if "problem" in response.content_type else {}
            waited_for = self._let_in - before
            self._let_in += response.status == 200
            told = response.headers.get("Retry-After"), document.get("code")
            return Answered(response.status, waited_for, *told)


def split(answers: list[Answered]) -> tuple[list[int], list[Answered]]:
    """For how many others those waited that were let in, and the refused ones."""
    refused = [one for one in answers if one.status == 503]
    admitted = sorted(one.waited_for for one in answers if one.status == 200)
    assert len(admitted) + len(refused) == len(answers)
    return admitted, refused


async def all_let_in(load: OpenLoop, rate: float) -> int:
    """Waits for a second in which nothing is refused, at a rate that can be answered.

    How many were refused before: after a pause of the machine all come at once that were due meanwhile, and
    that is more than can be answered.
    """
    refused, deadline = 0, time.monotonic() + START_LIMIT
    while found := len(split(await load.run(rate, 1))[1]):
        refused += found
        assert time.monotonic() < deadline, "there is always something refused"
    return refused


async def overloaded(load: OpenLoop, takes: float) -> int:
    """Twice as many requests as can be answered: soon what is let in waits for few others. How many are not.

    A burst is let through, and where the machine stood still for a moment, all that was due came as one.
    """
    refused, seen = 0, []
    for _ in range(ROUNDS):
        admitted, others = split(await load.run(2 / takes, SECONDS))
        assert {(one.retry_after, one.code) for one in others} <= {("1", "503")}
        refused += len(others)
        seen.append((admitted[len(admitted) // 2], len(admitted), len(others)))
        if seen[-1][0] < FEW * SECONDS / takes and len(others) > len(admitted) / 4:
            return refused
    raise AssertionError(f"in the middle, let in, refused: {seen}")


async def status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as response:
        return response.status


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
        begun = time.monotonic()
        async with unlimited() as session:
            load = OpenLoop(session, f"{running.http}/open")
            refused = await all_let_in(load, 0.5 / TAKES)
            refused += await overloaded(load, TAKES)
            refused += await all_let_in(load, 10)
        assert await counted(running, "adaptive_concurrency") == refused
        assert running.found("limit adaptive_concurrency reached by 127.0.0.1")
        # One for the first, and one for those of the second that has passed.
        lines = [line for line in running.lines if "limit adaptive_concurrency" in line]
        assert len(lines) <= 2 * (1 + time.monotonic() - begun)
        assert len(lines) < refused / 4


@pytest.mark.parametrize("fast_lane", [True, False], ids=["fast_path", "aiohttp"])
async def test_a_worker_with_twice_its_load_refuses_routes_and_answers_its_own_endpoints(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path, fast_lane: bool
) -> None:
    (tmp_path / "blocking_plugin.py").write_text(PLUGIN)
    server = {"max_event_loop_delay": "75ms", "fast_lane": fast_lane}
    patient = {"servers": [{"url": upstream.url}], "timeouts": {"connect": "60s"}}
    plugins = [{"use": "blocking_plugin:Blocking"}]
    # A burst holds the loop up for longer than a store may take by default.
    store = {"timeout": "20s"}
    config = configuration(
        upstream.url, server=server, store=store, upstreams={"backend": patient}, plugins=plugins
    )
    running = gateway(config, PYTHONPATH=str(tmp_path))
    async with unlimited() as session:
        load = OpenLoop(session, f"{running.http}/open")
        loading = asyncio.create_task(overloaded(load, BLOCKS))
        own = []
        while not loading.done():
            own.append(await status(session, f"{running.http}/jwks"))
            own.append(await status(session, f"{running.management}/healthz"))
        assert set(own) == {200}
        refused = await loading
        refused += await all_let_in(load, 10)
    assert await counted(running, "server.max_event_loop_delay") == refused
    assert running.found("limit server.max_event_loop_delay reached by 127.0.0.1")
