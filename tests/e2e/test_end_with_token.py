"""Streams and tunnels of a real gateway with two workers, whose token is revoked at another gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.bounds import mostly_within
from tests.conftest import Valkey
from tests.e2e.conftest import CLIENT, StartGateway, configuration, merged, token
from tests.raw import RawClient, RawMessage, RawUpstream
from tests.running import Running

SOON = 0.1 + 0.2
"""Seconds: what is promised, and what a busy machine adds to it."""
KEY = "k" * 32
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
TEXT = b"\x81\x05hello"
CLOSED = b"\x88\x1c\x03\xf0the access token has ended"


def config(upstream: RawUpstream, *, fast_lane: bool = True) -> dict[str, Any]:
    base = configuration(upstream.url)
    ends = [{**route, "end_with_token": True} for route in base["routes"] if route["path"] == "/orders"]
    return merged(base, {"routes": ends, "tokens": {"key": KEY}, "server": {"fast_lane": fast_lane}})


async def events(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    return await forever(writer, b"f\r\ndata: hello\r\n\r\n\r\n")


async def download(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    return await forever(writer, b"x" * 10)


async def silence(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    await reader.read()
    return False


async def websocket(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    return await forever(writer, TEXT)


async def half_a_frame(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    writer.write(TEXT + TEXT[:4])
    await reader.read()
    return False


async def forever(writer: asyncio.StreamWriter, piece: bytes) -> bool:
    try:
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005)
    except ConnectionError:
        return False


async def opened(running: Running, access_token: str, headers: str = "") -> tuple[RawClient, bytes]:
    """A connection on which the response has begun, and the first bytes of that."""
    client = await running.connect()
    lines = f"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {access_token}\r\n{headers}\r\n"
    await client.send(lines.encode())
    head = await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 10)
    return client, head


async def rest(client: RawClient) -> tuple[bytes, float]:
    """What still comes, and the seconds until the end."""
    began, received = time.monotonic(), b""
    async with asyncio.timeout(10):
        try:
            while data := await client.reader.read(65536):
                received += data
        except ConnectionError:
            pass
    return received, time.monotonic() - began


def revoke(valkey: Valkey, prefix: str) -> None:
    with valkey.client as store:
        store.delete(*store.keys(f"{prefix}t:*"))


@pytest.mark.parametrize("fast_lane", [True, False])
@pytest.mark.parametrize("stream", [events, download, silence])
async def test_a_streamed_response_ends_with_its_token_and_does_not_look_whole(
    stream: Callable[..., Any],
    fast_lane: bool,
    gateway: StartGateway,
    upstream: RawUpstream,
    valkey: Valkey,
    prefix: str,
) -> None:
    upstream.reset(stream)
    running = gateway(config(upstream, fast_lane=fast_lane), workers=2)

    async def seconds_to_end() -> float:
        access_token = (await token(running, scope="orders.read", validity_period="60"))["access_token"]
        client, head = await opened(running, access_token)
        assert b" 200 " in head
        waiting = asyncio.create_task(rest(client))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        began = time.monotonic()
        revoke(valkey, prefix)
        received, _ = await waiting
        taken = time.monotonic() - began
        assert not received.endswith(b"0\r\n\r\n")
        await client.close()
        return taken

    await mostly_within(SOON, seconds_to_end, good=2)


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_websocket_ends_with_1008_behind_a_whole_frame(
    how: str, gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str
) -> None:
    upstream.reset(websocket)
    running = gateway(config(upstream), workers=2)
    period = 60 if how == "revoked" else 3

    async def seconds_to_end() -> float:
        answer = await token(running, scope="orders.read", validity_period=str(period))
        over = time.monotonic() + period
        client, head = await opened(running, answer["access_token"], UPGRADE)
        assert b" 101 " in head
        waiting = asyncio.create_task(rest(client))
        await asyncio.sleep(0.3)
        if how == "revoked":
            assert not waiting.done()
            over = time.monotonic()
            revoke(valkey, prefix)
        received, _ = await waiting
        taken = time.monotonic() - over
        assert received.endswith(CLOSED)
        frames = received.removesuffix(CLOSED)
        assert frames == TEXT * (len(frames) // len(TEXT))
        await client.close()
        return taken

    await mostly_within(SOON, seconds_to_end, good=2)


async def test_a_websocket_in_the_middle_of_a_frame_is_cut_after_a_moment(
    gateway: StartGateway, upstream: RawUpstream, valkey: Valkey, prefix: str
) -> None:
    upstream.reset(half_a_frame)
    running = gateway(config(upstream))

    async def seconds_to_end() -> float:
        answer = await token(running, scope="orders.read", validity_period="60")
        client, _ = await opened(running, answer["access_token"], UPGRADE)
        begun = await client.reader.readexactly(len(TEXT) + 4)
        waiting = asyncio.create_task(rest(client))
        began = time.monotonic()
        revoke(valkey, prefix)
        received, _ = await waiting
        taken = time.monotonic() - began
        assert begun + received == TEXT + TEXT[:4]
        await client.close()
        return taken

    await mostly_within(SOON, seconds_to_end, good=2)


async def test_another_gateways_revocation_ends_a_stream_here(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    upstream.reset(events)
    here, there = gateway(config(upstream), workers=2), gateway(config(upstream))

    async def seconds_to_end() -> float:
        access_token = (await token(here, scope="orders.read", validity_period="60"))["access_token"]
        client, _ = await opened(here, access_token)
        waiting = asyncio.create_task(rest(client))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        other = await there.connect()
        body = f"token={access_token}&client_id={CLIENT}&client_secret=demo-secret".encode()
        await other.send(
            b"POST /revoke HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        assert (await other.receive()).status == 200
        began = time.monotonic()
        await waiting
        taken = time.monotonic() - began
        await other.close()
        await client.close()
        return taken

    await mostly_within(SOON, seconds_to_end, good=2)
