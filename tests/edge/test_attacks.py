"""Floods and bombs against the edge: they are ended or bounded, and others are served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.e2e.conftest import StartGateway
from tests.edge.attacks import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PRIORITY,
    RESET,
    SETTINGS,
    WINDOW_UPDATE,
    attacker,
    block,
    envoy_of,
    frame,
    memory,
    setting,
    well_behaved,
)  # fmt: skip
from tests.edge.clients import head, http2, http3
from tests.edge.conftest import EdgeStage, edge_configuration
from tests.raw import LIMIT, RawMessage, RawUpstream, answer, says, until

MIB = 1 << 20
GROWTH = 96 * MIB
"""Of Envoy's memory, in all attacks of a test."""
MOST = 24 * MIB
"""Bytes of a flood that nobody stops."""


@pytest.fixture(autouse=True)
def bounded(edge: EdgeStage) -> Iterator[None]:
    """Envoy's memory does not grow with what attackers send, and it is the same Envoy."""
    envoy = envoy_of(edge)
    before = memory(envoy)
    yield
    assert memory(envoy) - before < GROWTH
    assert envoy_of(edge) == envoy


def requests(number: int, *, then: bytes = b"") -> Iterator[bytes]:
    """So many requests, each on its stream and with what follows."""
    for stream in range(1, 2 * number, 2):
        yield frame(HEADERS, block(), stream, END_HEADERS | END_STREAM) + _on(then, stream)


def _on(frames: bytes, stream: int) -> bytes:
    """A frame that was made for stream 0."""
    return frames[:5] + stream.to_bytes(4, "big") + frames[9:] if frames else b""


async def test_rapid_resets_end_the_connection_at_the_edge(edge: EdgeStage) -> None:
    """CVE-2023-44487."""
    async with attacker(edge) as connection:
        taken = frame(RESET, (8).to_bytes(4, "big"))
        await connection.send(b"".join(requests(5000, then=taken)))
        assert await connection.ended(LIMIT)
    arrived = len(edge.upstream.requests)
    assert arrived < 1000, "most never reached the upstream"
    edge.upstream.reset()
    await well_behaved(edge)


async def test_resets_that_the_server_is_made_to_send_end_the_connection_at_the_edge(edge: EdgeStage) -> None:
    """CVE-2025-8671: a window update of nothing is an error of the stream."""
    async with attacker(edge) as connection:
        await connection.send(b"".join(requests(5000, then=frame(WINDOW_UPDATE, bytes(4)))))
        assert await connection.ended(LIMIT)
    assert len(edge.upstream.requests) < 1000
    edge.upstream.reset()
    await well_behaved(edge)


async def test_a_head_without_an_end_ends_the_connection_at_the_edge(edge: EdgeStage) -> None:
    """CVE-2024-30255: CONTINUATION frames, of fields and of nothing."""
    for part in (block(fields=[("x-a", "a" * 4000)])[-4005:], b""):
        async with attacker(edge) as connection:
            await connection.send(frame(HEADERS, block(), 1))
            await connection.flood(frame(CONTINUATION, part, 1), MOST)
            assert await connection.ended(LIMIT)
            assert connection.sent < MOST
    await well_behaved(edge)


FLOODS = {
    "settings": frame(SETTINGS),
    "changed settings": setting(4, 65_535) + setting(4, 65_536),
    "pings": frame(PING, b"12345678"),
}


@pytest.mark.parametrize("piece", FLOODS.values(), ids=FLOODS)
async def test_acknowledgements_that_nobody_reads_end_the_connection_at_the_edge(
    edge: EdgeStage, piece: bytes
) -> None:
    """CVE-2019-9512 and 9515."""
    async with attacker(edge, window=4096) as connection:
        flooding = asyncio.create_task(connection.flood(piece, MOST))
        await well_behaved(edge)
        await flooding
        assert await connection.ended(LIMIT)


FRAMES_OF_NOTHING = {
    "empty data": frame(DATA, b"", 1),
    "priorities": frame(PRIORITY, bytes(5), 3),
    "window updates": frame(WINDOW_UPDATE, (1).to_bytes(4, "big"), 1),
}


@pytest.mark.parametrize("piece", FRAMES_OF_NOTHING.values(), ids=FRAMES_OF_NOTHING)
async def test_frames_that_say_nothing_end_the_connection_at_the_edge(edge: EdgeStage, piece: bytes) -> None:
    """CVE-2019-9513 and 9518."""
    async with attacker(edge) as connection:
        await connection.send(frame(HEADERS, block(method="POST"), 1, END_HEADERS))
        await connection.flood(piece, MOST)
        assert await connection.ended(LIMIT)
        assert connection.sent < MOST
    edge.upstream.reset()
    await well_behaved(edge)


async def test_a_bomb_of_hpack_is_refused_at_the_edge(edge: EdgeStage) -> None:
    """CVE-2016-6581: a field of 4 KB in the table, named some thousand times by a byte each."""
    whole = block() + b"\x40" + b"\x03x-a" + b"\x7f\xa1\x1e" + b"a" * 4000
    async with attacker(edge) as connection:
        for stream in range(1, 200, 2):
            fields = whole if stream == 1 else block()
            bomb = fields + b"\xbe" * (16_000 - len(fields))
            await connection.send(frame(HEADERS, bomb, stream, END_HEADERS | END_STREAM))
        flooding = connection.ended(1)
        await flooding
    assert not edge.upstream.requests
    await well_behaved(edge)


@pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])
@pytest.mark.parametrize(("number", "size"), [(150, 1), (5000, 1), (10, 20_000), (2, 60_000)])
async def test_too_many_or_too_large_fields_are_refused_at_the_edge(
    edge: EdgeStage, version: int, number: int, size: int
) -> None:
    fields = head("GET", "/open/hostile", [(f"x-{one}", "a" * size) for one in range(number)])
    if version == 2:
        async with http2(edge.port) as second:
            found = await second.ask(fields)
    else:
        async with http3(edge.port) as third:
            found = await third.ask(fields)
    assert found.status in (0, 431), found
    await well_behaved(edge)


async def test_a_bomb_of_qpack_is_refused_at_the_edge(edge: EdgeStage) -> None:
    """The second head names what the first has put into the table."""
    async with http3(edge.port) as client:
        field = ("x-a", "a" * 3000)
        assert (await client.ask(head("GET", "/open/hostile", [field]))).status == 200
        edge.upstream.reset()
        for _ in range(20):
            found = await client.ask(head("GET", "/open/hostile", [field] * 5000))
            assert found.status in (0, 431), found
            if client.over:
                break
    assert not edge.upstream.requests
    await well_behaved(edge)


async def test_clients_that_open_no_window_hold_little_at_the_edge(edge: EdgeStage) -> None:
    """CVE-2019-9511 and 9517: of a hundred large responses on each connection none is taken."""
    large = answer("200 OK", bytes(4 * MIB))

    async def conversation(
        request: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        writer.write(large if request.target == "/open/hostile" else answer())
        await writer.drain()
        return True

    edge.upstream.reset(conversation)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            connection = await stack.enter_async_context(attacker(edge, setting(4, 0)))
            await connection.send(b"".join(requests(100)))
        await until(lambda: len(edge.upstream.requests) >= 100)
        edge.upstream.requests.clear()
        async with http2(edge.port) as client:
            found = await client.ask(head("GET", "/open/well"))
            assert (found.status, found.body) == (200, b"hello")
    edge.upstream.reset(says(answer()))


async def test_a_response_that_nobody_takes_ends_at_the_edge(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    """Also where all of it is in Envoy's buffer, and the gateway knows nothing of it any more."""
    slow = {"timeouts": {"body": "1s"}, "min_rate": 1_000_000}
    running = gateway(edge_configuration(upstream.url, server=slow))
    async with attacker(EdgeStage(running, upstream), setting(4, 0)) as connection:
        await connection.send(b"".join(requests(1)))
        await upstream.next()
        began = asyncio.get_running_loop().time()
        reset = frame(RESET)[3:5] + (1).to_bytes(4, "big")
        while reset not in connection.received:
            assert not await connection.ended(0.05), "the connection goes on"
            assert asyncio.get_running_loop().time() - began < LIMIT
