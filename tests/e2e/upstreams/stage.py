"""Servers behind one gateway, some of which die and come back."""

from __future__ import annotations

import asyncio
import re
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import aiohttp

from tests.ports import free_port
from tests.raw import LIMIT, Conversation, RawClient, RawMessage, RawUpstream, answer, raw_upstream
from tests.running import Running

AIOHTTP_WAY = "TE: trailers"
"""A header that the fast path leaves to aiohttp."""


class Mortal:
    """A server that can die and live again on its port, which nobody else gets meanwhile."""

    def __init__(self) -> None:
        self.port = free_port()
        self._life = ExitStack()
        self.upstream = RawUpstream()
        self.live()

    def live(self) -> None:
        """Listens. No harm if it does."""
        life = ExitStack()
        with suppress(OSError):
            listening = socket.create_server(("127.0.0.1", self.port))
            self.upstream = life.enter_context(raw_upstream(listening))
            self._life.close()
            self._life = life

    def die(self) -> None:
        """Breaks off all connections, and refuses new ones."""
        self._life.close()
        holder = self._life.enter_context(socket.socket())
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", self.port))

    def end(self) -> None:
        self._life.close()


@dataclass
class Stage:
    """The gateway, two servers that stay, one that may die, and two that are asked how they are."""

    running: Running
    a: RawUpstream
    b: RawUpstream
    mortal: Mortal
    c: RawUpstream
    d: RawUpstream

    def __post_init__(self) -> None:
        self._clients: list[RawClient] = []

    def reset(self) -> None:
        """Every server lives, answers with its name, and has heard nothing."""
        self.mortal.live()
        for name, server in self.servers.items():
            server.reset(names_itself(name))

    @property
    def servers(self) -> dict[str, RawUpstream]:
        return {"a": self.a, "b": self.b, "m": self.mortal.upstream, "c": self.c, "d": self.d}

    async def connect(self) -> RawClient:
        """A connection that ends with the test."""
        client = await self.running.connect()
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        self._clients.clear()

    async def ask(self, *requests: bytes) -> list[RawMessage]:
        """The answers, one after the other, on one connection where it is kept."""
        client, answers = await self.connect(), []
        for request in requests:
            answers.append(await client.ask(request))
            if answers[-1].header("Connection") == "close":
                client = await self.connect()
        return answers

    async def who(self, *requests: bytes) -> list[str]:
        """Which servers answered. Every answer must be one."""
        answers = await self.ask(*requests)
        assert {message.status for message in answers} == {200}, answers
        return [message.content.decode() for message in answers]

    async def metric(self, family: str, upstream: str) -> Counter[str]:
        """A gauge of an upstream, by the port of its servers."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.running.management}/metrics") as response,
        ):
            text = await response.text()
        pattern = rf'^{family}{{server="http://127.0.0.1:(\d+)",upstream="{upstream}"}} (\S+)$'
        return Counter({port: int(float(value)) for port, value in re.findall(pattern, text, re.MULTILINE)})


def request(target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {target} HTTP/1.1", "Host: api.example", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def names_itself(name: str) -> Conversation:
    """Answers with the server's name."""
    return replies(answer(body=name.encode()))


def replies(data: bytes) -> Conversation:
    """Answers every request with these bytes; the connection stays."""

    async def conversation(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        return True

    return conversation


async def hangs(_: RawMessage, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> bool:
    """Never answers; ends when the gateway gives up."""
    await reader.read()
    return False


async def resets(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Takes a request, and breaks off."""
    writer.transport.abort()
    return False


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for it."""
    async with asyncio.timeout(LIMIT):
        while not await condition():  # noqa: ASYNC110 (it is so in another process)
            await asyncio.sleep(0.02)


def problems(answers: Sequence[RawMessage]) -> set[tuple[int, str | None]]:
    """Statuses, and whether they say when to come back."""
    return {(message.status, message.header("Retry-After")) for message in answers}
