"""Callers with many different tokens, and the upstream that answers them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

CALLERS = 32
UNAVAILABLE = 503
ATTEMPTS = 50
PAUSE = 0.1
"""Seconds until the next attempt then."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class _Answering(asyncio.Protocol):
    """Answers each request, which comes in one piece."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


@asynccontextmanager
async def upstream(path: Path) -> AsyncIterator[None]:
    """An upstream on a Unix socket."""
    server = await asyncio.get_running_loop().create_unix_server(_Answering, str(path))
    try:
        yield
    finally:
        server.close()
        os.unlink(path)


async def use_all(port: int, tokens: Sequence[str], path: Path) -> None:
    """Uses each token once. Raises RuntimeError where one is refused."""
    async with upstream(path):
        await asyncio.gather(*(_use(port, tokens[number::CALLERS]) for number in range(CALLERS)))


async def _use(port: int, tokens: Sequence[str]) -> None:
    statuses = [status async for status in _statuses(port, tokens)]
    if set(statuses) - {200}:
        raise RuntimeError(f"tokens were refused: {set(statuses)}")


async def use_one(port: int, token: str, path: Path) -> int:
    """The status of a request with the token."""
    async with upstream(path):
        (status,) = [status async for status in _statuses(port, [token])]
        return status


async def _statuses(port: int, tokens: Sequence[str]) -> AsyncIterator[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for token in tokens:
        yield await _answered(reader, writer, token)
    writer.close()
    await writer.wait_closed()


async def _answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> int:
    """The status of a request, again where the machine has kept the store waiting."""
    for _ in range(ATTEMPTS):
        if (status := await _ask(reader, writer, token)) != UNAVAILABLE:
            return status
        await asyncio.sleep(PAUSE)
    raise RuntimeError("the store can't be asked")


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> int:
    """The status of one request."""
    lines = ("GET /orders HTTP/1.1", "Host: scale.example", f"Authorization: Bearer {token}", "", "")
    writer.write("\r\n".join(lines).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    names = (line.partition(b":") for line in head.split(b"\r\n"))
    await reader.readexactly(
        next(int(value) for name, _, value in names if name.lower() == b"content-length")
    )
    return int(head.split()[1])
