"""WebSockets and streams of events that are open at a reload, and at a shutdown."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.conftest import Valkey
from tests.ports import free_port
from tests.raw import LIMIT, RawMessage, RawUpstream, raw_upstream
from tests.running import Running
from tests.web_gateway import request

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def streams(first: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Two events, and then silence; or, where it is asked for them, half of one that ends later."""
    writer.write(EVENTS + chunk(b"data: 1\n\ndata: 2\n\n"))
    if "half" in first.target:
        writer.write(chunk(b"data: 3"))
        await asyncio.sleep(1.5)
        writer.write(chunk(b"\n\n"))
    await reader.read()
    return False


@pytest.fixture
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as upstream:
        upstream.reset(streams)
        yield upstream


@dataclass
class Gateways:
    """Makes gateways; each test ends its own."""

    make: Callable[..., Running]
    sockets: int


@pytest.fixture
async def gateways(backend: RawUpstream, valkey: Valkey, tmp_path: Path) -> AsyncIterator[Gateways]:
    port, made = free_port(), list[Running]()

    def make(*, fast_path: bool = True, workers: int = 1, **timeouts: Any) -> Running:
        config = {
            "server": {
                "listen": [{"host": "127.0.0.1", "port": 0}],
                "fast_lane": fast_path,
                "workers": workers,
                "timeouts": timeouts,
            },
            "management": {"host": "127.0.0.1", "port": 0},
            "store": {"url": valkey.url, "prefix": "open-streams:"},
            "tokens": {"key": "k" * 32},
            "routes": [
                {"path": "/events", "upstream": backend.url, "auth": "none"},
                {"path": "/socket", "upstream": f"http://127.0.0.1:{port}", "auth": "none"},
            ],
        }
        made.append(Running(config, tmp_path))
        made[-1].await_ready()
        return made[-1]

    async def echo(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    server = await serve(echo, "127.0.0.1", port)
    yield Gateways(make, port)
    for running in made:
        running.stop()
    server.close()
    await server.wait_closed()


def joined(gateway: Running) -> connect:
    return connect(gateway.http.replace("http", "ws") + "/socket", proxy=None, open_timeout=LIMIT)


async def answers(connection: Any, message: str) -> None:
    await connection.send(message)
    assert await asyncio.wait_for(connection.recv(), LIMIT) == message


WAYS = pytest.mark.parametrize("fast_path", [True, False], ids=["fast_path", "aiohttp"])


@WAYS
async def test_at_a_shutdown_each_is_told_to_connect_anew(gateways: Gateways, fast_path: bool) -> None:
    gateway = gateways.make(fast_path=fast_path)
    async with joined(gateway) as socket, await gateway.connect() as whole, await gateway.connect() as half:
        await answers(socket, "before")
        await whole.send(request("/events"))
        await half.send(request("/events/half"))
        for client, last in ((whole, b"2\n\n\r\n"), (half, b"data: 3\r\n")):
            await asyncio.wait_for(client.reader.readuntil(last), LIMIT)
        gateway.signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), LIMIT)
        assert socket.close_code == 1001
        # Both streams are complete, and the second has its event.
        assert await whole.rest() == b"0\r\n\r\n"
        assert await half.rest() == b"2\r\n\n\n\r\n0\r\n\r\n"
    # Of the drain's 25 seconds only a few are needed.
    assert await gateway.ended() == 0


async def test_a_stream_that_answers_a_post_has_its_time(gateways: Gateways) -> None:
    loop = asyncio.get_running_loop()
    gateway = gateways.make(drain="4s")
    async with await gateway.connect() as client:
        await client.send(request("/events/half", method="POST"))
        await asyncio.wait_for(client.reader.readuntil(b"data: 3\r\n"), LIMIT)
        told = loop.time()
        gateway.signal(signal.SIGTERM)
        assert (await client.rest()).endswith(b"0\r\n\r\n"), "its end comes before the drain is over"
        assert loop.time() - told > 1.5, "and not at once"
    assert await gateway.ended() == 0


@pytest.mark.parametrize(("fast_path", "workers"), [(True, 1), (False, 1), (True, 2)])
async def test_a_reload_ends_none(gateways: Gateways, fast_path: bool, workers: int) -> None:
    gateway = gateways.make(fast_path=fast_path, workers=workers, drain="500ms")
    async with joined(gateway) as socket, await gateway.connect() as events:
        await answers(socket, "before")
        await events.send(request("/events"))
        await asyncio.wait_for(events.reader.readuntil(b"2\n\n\r\n"), LIMIT)
        gateway.signal(signal.SIGHUP)
        await gateway.line("the new configuration is active")
        # Longer than idle connections have, and than the drain.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(events.reader.readexactly(1), 1.5)
        await answers(socket, "after")
        gateway.signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), LIMIT)
        assert socket.close_code == 1001
        assert await events.rest() == b"0\r\n\r\n"
    assert await gateway.ended() == 0


async def test_a_reload_ends_them_when_their_time_is_over(gateways: Gateways) -> None:
    gateway = gateways.make(reload="1s")
    async with joined(gateway) as socket:
        await answers(socket, "before")
        gateway.signal(signal.SIGHUP)
        await gateway.line("the new configuration is active")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), LIMIT)
        assert socket.close_code == 1001
