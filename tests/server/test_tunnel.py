"""Upgraded connections: raw bytes both ways, after the same checks."""

import asyncio
import json

import pytest

from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, until
from tests.running import Running
from tests.web_gateway import ask_for_token, request

WISH = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n"


async def echoes(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(AGREED + b"welcome")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    return False


@pytest.mark.parametrize("protocol", ["websocket", "foo/1"])
async def test_bytes_go_both_ways(client: RawClient, upstream: RawUpstream, protocol: str) -> None:
    upstream.reset(echoes)
    reply = await client.ask(request("/open", "Connection: Upgrade", f"Upgrade: {protocol}"), body=False)
    assert reply.status == 101
    assert (reply.header("Connection"), reply.header("Upgrade"), reply.header("X-A")) == (
        "Upgrade",
        "websocket",
        "1",
    )
    assert await client.reader.readexactly(7) == b"welcome"
    body = bytes(range(256)) * 8000
    await asyncio.gather(client.send(body), taken(client, body))
    seen = await upstream.next()
    assert (seen.header("Connection"), seen.header("Upgrade")) == ("Upgrade", protocol)


async def taken(client: RawClient, body: bytes) -> None:
    assert await asyncio.wait_for(client.reader.readexactly(len(body)), 10) == body


async def test_bytes_that_follow_the_wish_at_once_are_not_lost(
    client: RawClient, upstream: RawUpstream
) -> None:
    upstream.reset(echoes)
    await client.send(request("/open", *WISH) + b"early")
    assert (await client.receive(body=False)).status == 101
    assert await asyncio.wait_for(client.reader.readexactly(12), 20) == b"welcomeearly"


async def test_the_same_checks_come_first(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(echoes)
    assert (await client.ask(request("/read", *WISH))).status == 401
    assert upstream.requests == []


async def test_http_in_another_dress_is_answered_as_http(client: RawClient, upstream: RawUpstream) -> None:
    reply = await client.ask(request("/open", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"))
    assert reply.status == 200
    assert (await upstream.next()).header("Upgrade") is None


async def test_an_upstream_that_declines_is_heard(client: RawClient, upstream: RawUpstream) -> None:
    assert (await client.ask(request("/open", *WISH))).content == b"hello"
    assert (await client.ask(request("/open"))).status == 200


async def test_an_upgrade_that_nobody_asked_for_is_502(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(echoes)
    assert (await client.ask(request("/open"))).status == 502


async def test_when_one_end_closes_the_other_does(client: RawClient, upstream: RawUpstream) -> None:
    async def ends(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(AGREED + b"bye")
        await writer.drain()
        return False

    upstream.reset(ends)
    await client.send(request("/open", *WISH))
    assert (await client.rest()).endswith(b"bye")


async def test_after_the_client_has_sent_its_last_the_upstream_is_heard(
    client: RawClient, upstream: RawUpstream
) -> None:
    async def to_end(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(AGREED)
        received = await reader.read()
        writer.write(b"got " + received)
        await writer.drain()
        return False

    upstream.reset(to_end)
    await client.send(request("/open", *WISH))
    assert (await client.receive(body=False)).status == 101
    await client.send(b"all of it")
    client.writer.write_eof()
    assert await client.rest() == b"got all of it"


async def test_after_the_upstream_has_sent_its_last_it_hears_the_client(
    client: RawClient, upstream: RawUpstream
) -> None:
    received: list[bytes] = []

    async def speaks_first(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(AGREED + b"bye")
        writer.write_eof()
        received.append(await reader.read())
        return False

    upstream.reset(speaks_first)
    await client.send(request("/open", *WISH))
    assert (await client.receive(body=False)).status == 101
    assert await client.rest() == b"bye"
    await client.send(b"still ")
    await client.send(b"here")
    client.writer.write_eof()
    await until(lambda: received)
    assert received == [b"still here"]


@pytest.mark.parametrize("how", ["ends", "revoked"])
async def test_a_tunnel_ends_with_its_token_where_the_route_says_so(
    client: RawClient, upstream: RawUpstream, valkey: Valkey, how: str
) -> None:
    upstream.reset(echoes)
    period = 4 if how == "ends" else 66
    answer = json.loads((await ask_for_token(client, f"validity_period={period}")).content)
    await client.send(request("/ends", f"Authorization: Bearer {answer['access_token']}", *WISH))
    assert (await client.receive(body=False)).status == 101
    if how == "revoked":
        with valkey.client as other:
            other.delete(*[key for key in other.scan_iter("test-web-*:t:*") if 60 < other.ttl(key) <= 66])
    pings = asyncio.create_task(ping(client))
    assert (await client.rest()).startswith(b"welcome")
    pings.cancel()


async def ping(client: RawClient) -> None:
    while True:
        await client.send(b".")
        await asyncio.sleep(0.2)


async def test_early_hints_reach_the_caller(
    client: RawClient, upstream: RawUpstream, gateway: Running
) -> None:
    async def hints(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True

    upstream.reset(hints)
    early = await client.ask(request("/open"), body=False)
    assert (early.status, early.header("Link")) == (103, "</a>")
    assert (await client.receive()).content == b"ok"
