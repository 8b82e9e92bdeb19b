"""How answers reach the caller, on both ways through the gateway."""

import asyncio

import pytest

from tests.raw import RawClient, RawMessage, RawUpstream, says
from tests.running import Running
from tests.web_gateway import request


async def test_an_answer_in_pieces_comes_in_its_order(client: RawClient, upstream: RawUpstream) -> None:
    async def in_pieces(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
        for letter in (b"a", b"b", b"c"):
            writer.write(letter * 100_000)
            await writer.drain()
            await asyncio.sleep(0.02)
        return True

    upstream.reset(in_pieces)
    reply = await client.ask(request("/open"))
    assert reply.content == b"a" * 100_000 + b"b" * 100_000 + b"c" * 100_000
    assert reply.header("Content-Length") == "300000"


async def test_trailers_come_behind_the_last_chunk(client: RawClient, upstream: RawUpstream) -> None:
    chunks = b"5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"
    upstream.reset(says(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))
    reply = await client.ask(request("/open"))
    assert reply.content == b"hello"
    assert reply.body.endswith(b"0\r\nX-Sum: 7\r\n\r\n")
    assert reply.header("X-Sum") is None


async def test_a_slow_reader_gets_everything(gateway: Running, upstream: RawUpstream) -> None:
    async def large(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n")
        for _ in range(200):
            writer.write(b"x" * 100_000)
            await writer.drain()
        return True

    upstream.reset(large)
    slow = await gateway.connect()
    await slow.send(request("/open"))
    await asyncio.sleep(0.3)
    assert len((await slow.receive()).body) == 20_000_000
    await slow.close()


@pytest.mark.parametrize("target", ["/open", "/read", "/nothing"])
async def test_who_asks_for_the_end_gets_an_answer_and_the_end(client: RawClient, target: str) -> None:
    reply = await client.ask(request(target, "Connection: close"))
    assert reply.header("Connection") == "close"
    assert await client.closed()
