"""WebSocket frames one by one, as the Autobahn test suite sends them: the server's verdict passes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.exactness.conftest import Pair
from tests.raw import LIMIT, RawClient

HANDSHAKE = (
    b"GET /open HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = b"\x01\x02\x03\x04"


def frame(
    opcode: int, payload: bytes = b"", *, final: bool = True, reserved: int = 0, masked: bool = True
) -> bytes:
    """A frame of RFC 6455 section 5.2, whether or not it is allowed."""
    head = bytes([final << 7 | reserved << 4 | opcode])
    size = len(payload)
    length = struct.pack("!B", size) if size < 126 else struct.pack("!BH", 126, size)
    if not masked:
        return head + length + payload
    length = bytes([length[0] | 0x80]) + length[1:]
    return head + length + KEY + bytes(byte ^ KEY[place % 4] for place, byte in enumerate(payload))


def closing(code: int, reason: bytes = b"") -> bytes:
    return struct.pack("!H", code) + reason


@pytest.fixture
async def echo(pair: Pair) -> AsyncIterator[None]:
    async def handle(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    async with serve(handle, "127.0.0.1", pair.upstream_port, ping_interval=None):
        yield


class Frames:
    """A client that sends bytes as they are, and reads frames."""

    def __init__(self, client: RawClient) -> None:
        self.client = client

    async def read(self) -> tuple[int, bytes]:
        reader = self.client.reader
        async with asyncio.timeout(LIMIT):
            head = await reader.readexactly(2)
            assert head[0] & 0x80, "the server sends whole messages"
            size = head[1]
            if size == 126:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
            return head[0] & 0x0F, await reader.readexactly(size)

    async def send(self, data: bytes, *, byte_by_byte: bool = False) -> None:
        for piece in [data[at : at + 1] for at in range(len(data))] if byte_by_byte else [data]:
            await self.client.send(piece)
            await asyncio.sleep(0)


@pytest.fixture
async def frames(pair: Pair, echo: None) -> AsyncIterator[Frames]:
    async with await RawClient.connect("127.0.0.1", pair.gateway_port) as client:
        assert (await client.ask(HANDSHAKE, body=False)).status == 101
        yield Frames(client)


@pytest.mark.parametrize("byte_by_byte", [False, True], ids=["at once", "byte by byte"])
async def test_fragments_with_control_frames_between_them(frames: Frames, byte_by_byte: bool) -> None:
    text = "fragm\u00e9nts \U0001f600".encode()
    await frames.send(
        frame(TEXT, text[:6], final=False)
        + frame(PING, b"one")
        + frame(CONTINUATION, b"", final=False)
        + frame(PONG, b"nobody asked")
        + frame(CONTINUATION, text[6:14], final=False)
        + frame(PING, b"x" * 125)
        + frame(CONTINUATION, text[14:]),
        byte_by_byte=byte_by_byte,
    )
    found = [await frames.read() for _ in range(3)]
    assert found == [(PONG, b"one"), (PONG, b"x" * 125), (TEXT, text)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65_535])
async def test_frames_at_the_limits_of_length_fields(frames: Frames, size: int) -> None:
    await frames.send(frame(BINARY, b"\xfe" * size))
    assert await frames.read() == (BINARY, b"\xfe" * size)


INVALID: dict[str, tuple[bytes, int]] = {
    "a reserved bit": (frame(TEXT, b"a", reserved=4), 1002),
    "a reserved opcode for data": (frame(3), 1002),
    "a reserved opcode for control": (frame(11), 1002),
    "no mask": (frame(TEXT, b"a", masked=False), 1002),
    "a ping in fragments": (frame(PING, b"a", final=False), 1002),
    "a ping of 126 bytes": (frame(PING, b"a" * 126), 1002),
    "a continuation of nothing": (frame(CONTINUATION, b"a"), 1002),
    "a message within a message": (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), 1002),
    "text that is not UTF-8": (frame(TEXT, b"\xce\xba\xed\xa0\x80"), 1007),
    "text that ends within a character": (frame(TEXT, b"\xce", final=False) + frame(CONTINUATION, b""), 1007),
    "a close with half a code": (frame(CLOSE, b"\x03"), 1002),
    "a close with a code that is never sent": (frame(CLOSE, closing(1005)), 1002),
    "a close with a code that is none": (frame(CLOSE, closing(999)), 1002),
}


@pytest.mark.parametrize("case", INVALID)
async def test_the_servers_verdict_on_what_is_invalid_reaches_the_client(frames: Frames, case: str) -> None:
    data, code = INVALID[case]
    await frames.send(data)
    opcode, payload = await frames.read()
    assert (opcode, payload[:2]) == (CLOSE, closing(code))


@pytest.mark.parametrize(
    "sent", [b"", closing(1000), closing(1001, b"away"), closing(3000), closing(4999, b"x" * 123)]
)
async def test_a_close_is_answered_by_the_server_and_ends_the_connection(frames: Frames, sent: bytes) -> None:
    await frames.send(frame(CLOSE, sent) + frame(PING, b"too late"))
    opcode, payload = await frames.read()
    assert (opcode, payload[:2]) == (CLOSE, sent[:2])
    assert await frames.client.rest() == b"", "nothing comes behind the close"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"server_no_context_takeover": True, "client_no_context_takeover": True},
        {"server_max_window_bits": 9, "client_max_window_bits": 9},
    ],
    ids=["context takeover", "no context takeover", "small windows"],
)
async def test_compressed_messages_in_fragments(pair: Pair, echo: None, options: dict[str, int]) -> None:
    extension = ClientPerMessageDeflateFactory(**options)  # type: ignore[arg-type]  # flags and numbers
    url = f"ws://127.0.0.1:{pair.gateway_port}/open"
    async with connect(url, compression=None, extensions=[extension], proxy=None) as connection:
        assert [one.name for one in connection.protocol.extensions] == ["permessage-deflate"]
        for message in (["", "a" * 10_000, "\u00e9", "b" * 10], [b"\x00" * 70_000, b"", b"\xff"]):
            await connection.send(message)
            found = await asyncio.wait_for(connection.recv(), LIMIT)
            assert found == type(message[0])().join(message)  # type: ignore[arg-type]  # of one kind each
