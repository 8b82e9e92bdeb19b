"""An answer that only the end of the connection ends: a caller must see whether that end was meant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.exactness.conftest import Pair
from tests.raw import LIMIT, RawClient

OLD = b"GET /open HTTP/1.0\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def upstream(pair: Pair, answer: bytes) -> AsyncIterator[asyncio.Event]:
    """Gives one answer, and closes when the event says that the gateway has passed on what there was."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        await asyncio.wait_for(passed_on.wait(), LIMIT)
        writer.close()
        await writer.wait_closed()
        over.set()

    over, passed_on = asyncio.Event(), asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", pair.upstream_port)
    async with server:
        yield passed_on
        await asyncio.wait_for(over.wait(), LIMIT)


async def asked(client: RawClient, passed_on: asyncio.Event) -> bytes:
    await client.send(OLD)
    head = await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), LIMIT)
    passed_on.set()
    return head + await asyncio.wait_for(client.reader.read(), LIMIT)


@pytest.mark.parametrize("start", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_a_broken_end_is_a_reset(pair: Pair, start: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\n{start}\r\n\r\n5\r\nhello\r\n".encode()
    async with upstream(pair, answer) as passed_on, await pair.gateway.connect() as client:
        if start.startswith("Content-Length"):
            assert b"Content-Length: 100" in await asked(client, passed_on)
        else:
            with pytest.raises(ConnectionResetError):
                await asked(client, passed_on)


async def test_a_good_end_is_an_end(pair: Pair) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    async with upstream(pair, answer) as passed_on, await pair.gateway.connect() as client:
        assert (await asked(client, passed_on)).endswith(b"\r\n\r\nhello")
