"""Responses to requests whose body is still on its way: those that aiohttp parses."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.raw import RawClient, RawMessage, RawUpstream, answer
from tests.running import Running
from tests.web_gateway import request

CHUNKED = request("/open", "Transfer-Encoding: chunked", method="POST")


BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"


def answer_heads(upstream: RawUpstream, said: bytes) -> None:
    """Answers requests as soon as their heads have come, and then only listens."""

    async def conversation(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(said)
        await reader.read()
        return False

    upstream.reset(conversation)
    upstream.heads_alone = True


async def test_a_body_that_breaks_off_behind_the_response_s_head_ends_the_connection(
    gateway: Running, upstream: RawUpstream
) -> None:
    """The response has begun: a problem can't be written into it, and it must not look whole."""
    answer_heads(upstream, BEGUN)
    async with await gateway.connect() as client:
        await client.send(CHUNKED + b"5\r\nhello\r\n")
        await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\nhello"), 20)
        await client.send(b"nonsense\r\n")
        rest = b""
        with suppress(ConnectionError):
            rest = await asyncio.wait_for(client.reader.read(), 20)
        assert b"HTTP/1.1" not in rest
        assert len(rest) < 5


async def test_a_body_that_breaks_off_before_the_response_is_a_problem(
    client: RawClient, upstream: RawUpstream
) -> None:
    await client.send(CHUNKED + b"5\r\nhello\r\nnonsense\r\n")
    refused = await client.receive()
    assert (refused.status, refused.header("Connection")) == (400, "close")
    assert await client.closed()


async def test_a_response_that_comes_before_the_body_s_end_keeps_the_connection(
    client: RawClient, upstream: RawUpstream
) -> None:
    answer_heads(upstream, answer("200 OK", b"early"))
    await client.send(request("/open", "Content-Length: 10", method="POST") + b"hello")
    assert (await client.receive()).content == b"early"
    upstream.reset()
    await client.send(b"world" + request("/open/next"))
    assert (await client.receive()).content == b"hello"
    assert [seen.target for seen in upstream.requests] == ["/open/next"]
