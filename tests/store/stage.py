"""What the tests of the store stand on: links that are stopped in the end, waits with a deadline, a relay."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from uuid import uuid4

from gateway.errors import StoreUnavailable
from gateway.store import RedisConnection, parse_address
from tests.conftest import Valkey


@asynccontextmanager
async def linked(url: str, **options: Any) -> AsyncIterator[RedisConnection]:
    """A link that has been started, and is stopped in the end."""
    link = RedisConnection(parse_address(url), **options)
    await link.start()
    try:
        yield link
    finally:
        await link.stop()


@asynccontextmanager
async def linked_to(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[RedisConnection]:
    """A link, of little patience, to a server that does with each connection what `serve` does."""
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with linked(f"redis://127.0.0.1:{port}", timeout=0.2) as link:
            yield link


async def until(condition: Callable[[], bool | Awaitable[bool]], within: float = 20.0) -> float:
    """Waits for a condition; returns the seconds it took. Fails when they are more than `within`."""
    begun = time.monotonic()
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return time.monotonic() - begun
        assert time.monotonic() - begun < within, "waited in vain"
        await asyncio.sleep(0.005)


@contextmanager
def watched(server: Valkey, key: str) -> Iterator[list[str]]:
    """The commands of clients that name a key that begins so, once the block has ended, and nobody else's."""
    seen: list[str] = []
    with server.client as client, client.monitor() as monitor:
        yield seen
        end = uuid4().hex
        client.echo(end)
        for command in monitor.listen():
            if end in command["command"]:
                return
            if key in command["command"] and command["client_type"] != "lua":
                seen.append(command["command"])


async def answers(link: RedisConnection) -> bool:
    with suppress(StoreUnavailable):
        await link.ping()
        return True
    return False


class Relay:
    """A TCP (or TLS) port in front of a server's socket, which notes what passes."""

    def __init__(self, server: Valkey) -> None:
        self._server = server
        self.port = 0
        self.chunks: list[bytes] = []
        """What clients sent, as it arrived."""
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(self._server.path))
        self._writers += [writer, back]
        self._tasks += [
            asyncio.create_task(self._pipe(reader, back, self.chunks)),
            asyncio.create_task(self._pipe(there, writer, [])),
        ]

    async def _pipe(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, notes: list[bytes]
    ) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 20):
                notes.append(data)
                sink.write(data)
        sink.close()

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def relay(server: Valkey, tls: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    passing = Relay(server)
    listener = await asyncio.start_server(passing.serve, "127.0.0.1", 0, ssl=tls)
    passing.port = listener.sockets[0].getsockname()[1]
    try:
        yield passing
    finally:
        listener.close()
        await passing.close()
