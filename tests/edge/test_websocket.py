"""WebSockets through the edge: by Upgrade in HTTP/1.1, by extended CONNECT in HTTP/2 and HTTP/3."""

import asyncio
import base64
import hashlib

import pytest

from tests.edge.clients import HOST, head, http2, http3, insecure
from tests.edge.conftest import EdgeStage
from tests.raw import LIMIT, RawClient, RawMessage, answer, says

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASKED_HI = b"\x81\x82\x00\x00\x00\x00hi"
HI = b"\x81\x02hi"
CLOSE = b"\x88\x80\x00\x00\x00\x00"


OPENING_IN_HTTP_1 = (
    f"GET /open/ws HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
).encode()


async def echo(request: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Accepts the WebSocket by RFC 6455, and answers one message."""
    key = request.header("Sec-WebSocket-Key")
    assert key is not None
    assert len(base64.b64decode(key)) == 16
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())  # noqa: S324 (RFC 6455)
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: chat\r\n\r\n" % accept
    )
    assert await reader.readexactly(len(MASKED_HI)) == MASKED_HI
    writer.write(HI)
    assert await reader.readexactly(len(CLOSE)) == CLOSE
    writer.write(b"\x88\x00")
    return False


def opening(path: str = "/open/ws") -> list[tuple[str, str]]:
    """RFC 8441 section 5: the opening, without Sec-WebSocket-Key."""
    method, *rest = head("CONNECT", path)
    return [
        method,
        (":protocol", "websocket"),
        *rest,
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat"),
        ("origin", "https://localhost"),
    ]


async def test_a_websocket_by_http_2_passes_the_edge(edge: EdgeStage) -> None:
    edge.upstream.reset(echo)
    async with http2(edge.port) as client:
        async with asyncio.timeout(LIMIT):
            # RFC 8441 section 3: the client waits for SETTINGS_ENABLE_CONNECT_PROTOCOL.
            while not client.h2.remote_settings.enable_connect_protocol:
                await client.receive()
        stream = await client.send(opening(), end=False)
        answer = client.answers[stream]
        async with asyncio.timeout(LIMIT):
            while not answer.status:
                await client.receive()
        assert (answer.status, answer.header("sec-websocket-protocol")) == (200, "chat")
        await client.more(stream, MASKED_HI)
        async with asyncio.timeout(LIMIT):
            while answer.body != HI:
                await client.receive()
        await client.more(stream, CLOSE)
        assert (await client.answer(stream)).body == HI + b"\x88\x00"
    assert (await edge.upstream.next()).target == "/open/ws"


async def test_a_websocket_by_http_3_passes_the_edge(edge: EdgeStage) -> None:
    edge.upstream.reset(echo)
    async with http3(edge.port) as client:
        stream = client.send(opening(), end=False)
        answer = client.answers[stream]
        async with asyncio.timeout(LIMIT):
            while not answer.status:
                await client.news()
        assert answer.status == 200
        client.more(stream, MASKED_HI)
        async with asyncio.timeout(LIMIT):
            while answer.body != HI:
                await client.news()
        client.more(stream, CLOSE)
        assert (await client.answer(stream)).body == HI + b"\x88\x00"


async def test_a_websocket_by_http_1_passes_the_edge(edge: EdgeStage) -> None:
    edge.upstream.reset(echo)
    async with await RawClient.connect("127.0.0.1", edge.port, insecure("http/1.1")) as client:
        found = await client.ask(OPENING_IN_HTTP_1, body=False)
        assert found.status == 101
        assert found.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        await client.send(MASKED_HI)
        assert await client.reader.readexactly(len(HI)) == HI
        await client.send(CLOSE)
        assert await client.rest() == b"\x88\x00"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", b"The upstream opened no WebSocket.\n"),
        ("302 Found", b"The upstream opened no WebSocket.\n"),
        ("403 Forbidden", b"not you"),
    ],
)
async def test_an_upstream_that_opens_no_websocket_answers_through_the_edge(
    edge: EdgeStage, status: str, body: bytes
) -> None:
    edge.upstream.reset(says(answer(status, b"not you", "Location: /login", "Set-Cookie: a=1")))
    async with await RawClient.connect("127.0.0.1", edge.port, insecure("http/1.1")) as client:
        found = await client.ask(OPENING_IN_HTTP_1)
    assert found.status == int(status[:3])
    assert (found.header("location"), found.header("set-cookie")) == ("/login", "a=1")
    assert found.body == body
    assert found.header("content-type") != "application/problem+json"


@pytest.mark.parametrize("path", ["/orders/ws", "/nowhere"])
async def test_a_websocket_by_http_2_is_judged_as_every_request(edge: EdgeStage, path: str) -> None:
    async with http2(edge.port) as client:
        async with asyncio.timeout(LIMIT):
            while not client.h2.remote_settings.enable_connect_protocol:
                await client.receive()
        stream = await client.send(opening(path), end=False)
        assert (await client.answer(stream)).status == (401 if path == "/orders/ws" else 404)
    assert not edge.upstream.requests
