"""What the tests of faults stand on: a network that can be slow, and callers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from gateway.oauth.opaque_tokens import token_hash
from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage
from tests.running import Running
from tests.web_gateway import ask_for_token, request

PATIENCE = 60.0
"""Seconds after which a test gives up. What is measured is far below it, but a loaded machine is slow, and an
election of a cluster that fails is held again only after four times its node timeout."""
PREFIX = "test:"


class Network:
    """A TCP port in front of a store: a name that can lead elsewhere, and a line that can be slow."""

    def __init__(self, server: Valkey) -> None:
        self.server = server
        """Where new connections lead. Those that stand stay where they are, as with a name."""
        self.delay = 0.0
        """Seconds that each answer is held back."""
        self.scripts = 0
        """How many scripts were asked for."""
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            there, back = await asyncio.open_unix_connection(str(self.server.path))
        except OSError:
            writer.close()
            return
        self._writers.append(back)
        for pipe in (self._pipe(reader, back), self._slowly(there, writer)):
            task = asyncio.create_task(pipe)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 20):
                self.scripts += data.count(b"EVALSHA")
                sink.write(data)
        sink.close()

    async def _slowly(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Each piece leaves `delay` after it came, and in order."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if not data:
                    sink.close()
                    return
                sink.write(data)

        delivering = asyncio.create_task(deliver())
        with suppress(OSError):
            while data := await source.read(1 << 20):
                waiting.put_nowait((time.monotonic() + self.delay, data))
        waiting.put_nowait((time.monotonic(), b""))
        await delivering

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        for writer in self._writers:
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def network(server: Valkey) -> AsyncIterator[Network]:
    """A network that is gone in the end."""
    made = Network(server)
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listener.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listener.close()
        await made.close()


@dataclass
class Caller:
    """Somebody with connections of their own to one gateway."""

    gateway: Running
    name: str = "demo"
    """The client that they are; its secret is made of it."""
    _open: list[RawClient] = field(default_factory=list)

    async def _client(self) -> RawClient:
        if not self._open:
            self._open.append(await self.gateway.connect())
        return self._open[0]

    async def token(self, lifetime: int | None = None) -> str:
        """A new token, which is not given out again where it has a lifetime of its own."""
        form = "scope=read" + ("" if lifetime is None else f"&validity_period={lifetime}")
        answer = await ask_for_token(await self._client(), form, f"{self.name}:{self.name}-secret")
        assert answer.status == 200, answer.content
        return str(json.loads(answer.content)["access_token"])

    async def try_token(self, lifetime: int, by: str = "demo") -> tuple[str, float] | None:
        """A new token and the seconds that it lives; None where none is given out now."""
        form = f"scope=read&validity_period={lifetime}"
        answer = await ask_for_token(await self._client(), form, f"{by}:{by}-secret")
        if answer.status != 200:
            return None
        told = json.loads(answer.content)
        return str(told["access_token"]), float(told["expires_in"])

    async def issue(self) -> int:
        """The status of a request for a token of one's own."""
        form = "scope=read&validity_period=600"
        return (await ask_for_token(await self._client(), form, f"{self.name}:{self.name}-secret")).status

    async def revoke(self, token: str, by: str | None = None) -> int:
        """The status of a revocation (RFC 7009) by the token's client."""
        by = by or self.name
        body = f"token={token}&client_id={by}&client_secret={by}-secret".encode()
        form = "Content-Type: application/x-www-form-urlencoded"
        client = await self._client()
        return (await client.ask(request("/revoke", form, method="POST", body=body))).status

    async def use(self, token: str) -> int:
        """The status of a proxied request with the token."""
        return (await self.ask("/read", f"Authorization: Bearer {token}")).status

    async def ask(self, target: str, *headers: str) -> RawMessage:
        client = await self._client()
        return await client.ask(request(target, *headers))

    async def ready(self, query: str = "") -> tuple[int, dict[str, object]]:
        """What `/readyz` says."""
        async with await self.gateway.connect(self.gateway.management) as client:
            answer = await client.ask(request("/readyz" + query, "Connection: close"))
        return answer.status, json.loads(answer.content)

    async def close(self) -> None:
        for client in self._open:
            await client.close()


async def seconds_until(holds: Callable[[], Awaitable[bool]]) -> float:
    """How long it takes until something holds."""
    begun = time.monotonic()
    while not await holds():
        assert time.monotonic() - begun < PATIENCE, "it never happened"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


async def let_in_for(caller: Caller, token: str) -> float:
    """Uses a token until it is refused. Seconds from now until the last use began that was let in; 0.0: none
    was.
    """
    begun, last = time.monotonic(), 0.0
    while True:
        asked = time.monotonic() - begun
        assert asked < PATIENCE, "it is let in for ever"
        status = await caller.use(token)
        if status == 401:
            return last
        last = asked if status == 200 else last


def revoke_in(server: Valkey, token: str) -> None:
    """Ends a token as another gateway would that uses this server."""
    with server.client as other:
        assert other.delete(f"{PREFIX}t:{token_hash(token)}") == 1
