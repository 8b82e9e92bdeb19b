"""Whatever a limit of the server ends or refuses leaves a count and a log line with the limit's name."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import aiohttp
import pytest

from gateway.http.limit_names import ALL, IDLE, LOOP_DELAY
from tests.e2e.conftest import StartGateway, configuration
from tests.raw import RawUpstream, answer, says, until
from tests.running import START_LIMIT, Running

HEAD = b"POST /open HTTP/1.1\r\nHost: a\r\n"
SMALL = b"POST /small HTTP/1.1\r\nHost: a\r\n"
BUSY = b"GET /busy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
MOST, MOST_OF_ONE = 30, 3


class Caller:
    """Connections from an address of its own, so that the limit of one address concerns it alone."""

    def __init__(self, running: Running, number: int) -> None:
        self._running, self.address = running, f"127.0.1.{number}"

    async def connect(self, scheme: str = "http") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = urlsplit(self._running.addresses(scheme)[0]).port
        return await asyncio.open_connection("127.0.0.1", port, local_addr=(self.address, 0))

    async def answer(self, *pieces: bytes, pause: float = 0.0, scheme: str = "http") -> bytes:
        """What comes back until the gateway closes the connection."""
        reader, writer = await self.connect(scheme)
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(pause)
            return await asyncio.wait_for(reader.read(), START_LIMIT)
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def connections_of_one(caller: Caller) -> bytes:
    held = [await caller.connect() for _ in range(MOST_OF_ONE)]
    try:
        return await caller.answer()
    finally:
        for _, writer in held:
            writer.close()


async def slow_body(caller: Caller) -> bytes:
    """Each piece comes in time, but all together they are too slow."""
    return await caller.answer(HEAD + b"Content-Length: 99\r\n\r\n", *[b"x"] * 12, pause=0.15)


async def one_too_many(caller: Caller) -> bytes:
    """Two requests to a server that may have one at a time, and never answers."""
    both = [asyncio.create_task(caller.answer(BUSY)) for _ in range(2)]
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for each in both:
            each.cancel()


Act = Callable[[Caller], Awaitable[bytes]]
TABLE: list[tuple[str, bytes, Act]] = [
    ("server.limits.head", b" 431 ", lambda one: one.answer(HEAD + b"A: " + b"a" * 3000 + b"\r\n\r\n")),
    ("server.limits.headers", b" 431 ", lambda one: one.answer(HEAD + b"A: a\r\n" * 30 + b"\r\n")),
    ("server.limits.target", b" 414 ", lambda one: one.answer(b"GET /" + b"a" * 900 + b" HTTP/1.1\r\n\r\n")),
    ("server.max_body", b" 413 ", lambda one: one.answer(HEAD + b"Content-Length: 5000\r\n\r\n")),
    ("body_limit", b" 413 ", lambda one: one.answer(SMALL + b"Content-Length: 9\r\n\r\n")),
    ("server.timeouts.header", b" 408 ", lambda one: one.answer(HEAD)),
    ("server.timeouts.header", b"", lambda one: one.answer(scheme="https")),
    ("server.timeouts.body", b" 408 ", lambda one: one.answer(HEAD + b"Content-Length: 9\r\n\r\nx")),
    ("server.min_rate", b" 408 ", slow_body),
    ("server.timeouts.idle", b"", lambda one: one.answer()),
    ("server.max_connections_per_address", b"", connections_of_one),
    ("adaptive_concurrency", b" 503 ", one_too_many),
]  # fmt: skip


@pytest.fixture
def running(gateway: StartGateway, upstream: RawUpstream) -> Iterator[Running]:
    server = {
        "listen": [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}],
        "timeouts": {"header": "300ms", "body": "1500ms", "idle": "1s", "drain": 5},
        "limits": {"head": "2k", "headers": 20, "target": 500},
        "max_body": 1000,
        "max_connections": MOST,
        "max_connections_per_address": MOST_OF_ONE,
    }
    config = configuration(upstream.url, server=server)
    small = {"path": "/small", "upstream": "backend", "auth": "none"}
    config["routes"].append({**small, "plugins": [{"use": "body_limit", "with": {"max": 5}}]})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        busy = {"servers": [{"url": f"http://127.0.0.1:{silent.getsockname()[1]}"}], "max_connections": 1}
        config["upstreams"] = {**config.get("upstreams", {}), "busy": {**busy, "adaptive_concurrency": {}}}
        config["routes"].append({"path": "/busy", "upstream": "busy", "auth": "none"})
        yield gateway(config)


async def counted(running: Running) -> dict[str, float]:
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as response:
        found = re.findall(r'gatepost_limits_reached_total\{limit="(.+)"\} (\S+)', await response.text())
    return {name: float(number) for name, number in found}


async def test_each_limit_leaves_a_count_and_a_line_with_its_name(running: Running) -> None:
    answers = await asyncio.gather(*(act(Caller(running, 10 + n)) for n, (_, _, act) in enumerate(TABLE)))
    for (limit, status, _), given in zip(TABLE, answers, strict=True):
        assert given.startswith(b"HTTP/1.1" + status) if status else given == b"", (limit, given)
    held = [await Caller(running, 100 + n // MOST_OF_ONE).connect() for n in range(MOST)]
    assert await Caller(running, 200).answer() == b""
    counts = await counted(running)
    wanted = [limit for limit, _, _ in TABLE] + ["server.max_connections"]
    assert set(counts) == set(wanted) == set(ALL) - {LOOP_DELAY}  # that one: test_overload.py
    assert {limit: counts[limit] for limit in wanted} == {
        limit: wanted.count(limit) if limit != IDLE else counts[IDLE] for limit in wanted
    }
    for number, (limit, _, _) in enumerate(TABLE):
        if limit != IDLE:
            assert await running.line(f"limit {re.escape(limit)} reached"), (number, limit)
    assert await running.line("limit server.max_connections reached by 127.0.1.200")
    assert not running.found(f"limit {IDLE}")
    for _, writer in held:
        writer.close()


async def test_a_client_that_does_not_read_is_ended_by_a_limit_with_a_name(
    running: Running, upstream: RawUpstream
) -> None:
    upstream.reset(says(answer("200 OK", b"x" * 50_000_000)))
    _, writer = await Caller(running, 9).connect()
    writer.transport.pause_reading()
    writer.write(b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await running.line("limit server.timeouts.body reached by 127.0.1.9")
    writer.close()


async def test_a_flood_is_one_line_a_second_with_its_number(running: Running) -> None:
    one = Caller(running, 8)
    held = [await one.connect() for _ in range(MOST_OF_ONE)]
    began = time.monotonic()
    await asyncio.gather(*(one.answer() for _ in range(20)))

    def told() -> list[int]:
        """How many times each line speaks of."""
        found = re.findall(r"per_address reached (?:by|(\d+) more times within a second)", running.output)
        return [int(number or 1) for number in found]

    await until(lambda: sum(told()) == 20)
    # The first at once, and the others of that second together.
    assert len(told()) <= 2 * (1 + int(time.monotonic() - began))
    for _, writer in held:
        writer.close()
