"""Upstreams made of real sockets, whose every byte a test decides."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.upstream.settings import Timeouts, UpstreamServerSettings
from gateway.upstream.upstream import Upstream
from tests.upstream.defaults import a_server, an_upstream, pool_of, timeouts_of
from tests.upstream.fetching import FetchingUpstream

Script = Callable[["Peer"], Awaitable[None]]

PATIENCE = 20.0  # seconds for what must happen; far more than it takes


class Peer:
    """The upstream's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        """0 for the first connection that the server got."""

    async def head(self) -> bytes:
        """The next request's head."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def exactly(self, count: int) -> bytes:
        return await self.reader.readexactly(count)

    async def until(self, mark: bytes) -> bytes:
        return await self.reader.readuntil(mark)

    async def skip_to(self, mark: bytes) -> None:
        """Reads and forgets, however much it is, up to a mark at the end of what was sent."""
        tail = b""
        while not tail.endswith(mark):
            data = await self.reader.read(65536)
            assert data, "closed before the mark"
            tail = (tail + data)[-len(mark) :]

    async def rest(self) -> bytes:
        """All bytes until the gateway closes; a reset counts as closed."""
        received = b""
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(65536):
                received += data
        return received

    async def rest_of(self) -> None:
        """As a script: takes everything and says nothing."""
        await self.rest()

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def hang_up(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()


class ScriptedServer:
    """Runs a script for each connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.connections = 0
        self.open = 0
        self.failures: list[BaseException] = []
        self.port = 0

    async def start(self, context: ssl.SSLContext | None = None, path: str | None = None) -> None:
        if path is not None:
            self._server = await asyncio.start_unix_server(self._accept, path)
            return
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop_listening(self) -> None:
        assert self._server is not None
        self._server.close()

    async def stop(self) -> None:
        self.stop_listening()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(reader, writer, self.connections)
        self.connections += 1
        self.open += 1
        try:
            await self._script(peer)
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        except BaseException as error:
            self.failures.append(error)
            raise
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()


Serve = Callable[..., Awaitable[ScriptedServer]]
MakeUpstream = Callable[..., Awaitable[Upstream]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a scripted server on a free port."""
    started: list[ScriptedServer] = []

    async def start(
        script: Script, context: ssl.SSLContext | None = None, path: str | None = None
    ) -> ScriptedServer:
        server = ScriptedServer(script)
        await server.start(context, path)
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop()
        assert server.failures == []


@pytest.fixture
async def make_upstream() -> AsyncIterator[MakeUpstream]:
    """Makes and starts an upstream of the servers with these URLs."""
    made: list[FetchingUpstream] = []

    async def make(
        *servers: str | UpstreamServerSettings,
        timeouts: Timeouts | None = None,
        pool: dict[str, Any] | None = None,
        **settings: Any,
    ) -> FetchingUpstream:
        listed = tuple(a_server(s) if isinstance(s, str) else s for s in servers)
        upstream = FetchingUpstream(
            "test",
            an_upstream(
                listed,
                timeouts=timeouts or timeouts_of(),
                pool=replace(pool_of(), **(pool or {})),
                **settings,
            ),
        )
        await upstream.start()
        made.append(upstream)
        return upstream

    yield make
    for upstream in made:
        await upstream.stop()


def trust_connections(upstream: Upstream) -> None:
    """As if the servers had shown that they keep idle connections open: POSTs then go on reused ones."""
    for server in upstream.servers:
        server.pool.reuse.trusted = True


async def loop_turn() -> None:
    """Returns when the loop has looked at its sockets once more, and released connections are used again."""
    for _ in range(3):
        await asyncio.sleep(0)


async def until(health: Callable[[], object]) -> None:
    """Waits until a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not health():  # noqa: ASYNC110 (any condition, not only events)
            await asyncio.sleep(0.005)


def get(path: str = "/", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: orders.test\r\n\r\n".encode()


def answer(body: bytes = b"ok", status: str = "200 OK", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status.encode(), len(body), extra, body)


def always(data: bytes) -> Script:
    """A script that answers every request the same."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.say(data)

    return script
