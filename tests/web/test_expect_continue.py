"""Expect: 100-continue goes upstream, and the client hears what the upstream says. On both ways."""

from __future__ import annotations

import asyncio

import pytest

from gateway.web.request_body import CONTINUE, OWN_CONTINUE
from tests.raw import RawClient, RawMessage, RawUpstream, answer
from tests.web_gateway import request

EXPECT = "Expect: 100-continue"
HEAD = request("/open", EXPECT, "Content-Length: 5", method="POST")
CHUNKED = request("/open", EXPECT, "Transfer-Encoding: chunked", method="POST")


async def body_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(5)


@pytest.mark.parametrize(
    ("head", "sent", "received"),
    [(HEAD, b"hello", b"hello"), (CHUNKED, b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n")],
)
async def test_the_client_sends_its_body_when_the_upstream_says_so(
    client: RawClient, upstream: RawUpstream, head: bytes, sent: bytes, received: bytes
) -> None:
    say, got = asyncio.Event(), list[bytes]()

    async def script(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        while not say.is_set():  # noqa: ASYNC110 (set in another thread)
            await asyncio.sleep(0.01)
        writer.write(CONTINUE)
        got.append(await reader.readexactly(len(received)))
        writer.write(answer())
        return True

    upstream.reset(script)
    upstream.heads_alone = True
    await client.send(head)
    seen = await upstream.next()
    assert seen.header("Expect") == "100-continue"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.reader.readexactly(1), 0.3)
    say.set()
    assert (await client.receive(body=False)).status == 100
    await client.send(sent)
    assert (await client.receive()).content == b"hello"
    assert got == [received]


async def test_the_upstreams_refusal_comes_in_place_of_100(client: RawClient, upstream: RawUpstream) -> None:
    async def script(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer("417 Expectation Failed", b"no"))
        return False

    upstream.reset(script)
    upstream.heads_alone = True
    reply = await client.ask(HEAD)
    assert (reply.status, reply.content) == (417, b"no")
    assert reply.header("Connection") == "close", "whether the body comes can't be known"


async def test_a_client_that_does_not_wait(client: RawClient, upstream: RawUpstream) -> None:
    async def script(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        assert await body_of(reader) == b"hello"
        writer.write(answer())
        return True

    upstream.reset(script)
    upstream.heads_alone = True
    await client.send(HEAD)
    assert (await upstream.next()).header("Expect") == "100-continue"
    await client.send(b"hello")
    reply = await client.receive()
    assert (reply.status, reply.header("Connection")) == (200, None)
    assert (await client.ask(HEAD + b"hello")).status == 200, "all of it has come: nobody need be told"


async def test_an_upstream_that_says_nothing_gets_its_body(client: RawClient, upstream: RawUpstream) -> None:
    async def script(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        assert await body_of(reader) == b"hello"
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return False

    loop = asyncio.get_running_loop()
    upstream.reset(script)
    upstream.heads_alone = True
    began = loop.time()
    assert (await client.ask(HEAD, body=False)).status == 100
    assert loop.time() - began > OWN_CONTINUE / 2
    await client.send(b"hello")
    assert (await client.receive()).content == b"ok"
    # From now on the server is known to speak HTTP/1.0.
    assert (await client.ask(HEAD, body=False)).status == 100
    assert (await upstream.next(2)).header("Expect") is None
    await client.send(b"hello")
    assert (await client.receive()).content == b"ok"
    # As the next test finds it.
    upstream.reset()
    assert (await client.ask(CHUNKED, body=False)).status == 100
    await client.send(b"0\r\n\r\n")
    assert (await client.receive()).status == 200
