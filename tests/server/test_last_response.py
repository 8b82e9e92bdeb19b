"""RFC 9112 section 9.6: nothing that arrives behind the last response of a connection is executed."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import pytest

from tests.raw import RawClient, RawMessage, RawUpstream
from tests.running import Running
from tests.web_gateway import request

CLOSE = "Connection: close"
SPECIAL = "TE: trailers"
"""Makes a request that the fast path leaves to aiohttp."""
AFTER = request("/open/after", method="POST", body=b"after")
FORM = ("Content-Type: application/x-www-form-urlencoded", CLOSE)
CHUNKED = ("Transfer-Encoding: chunked",)
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

LAST = {
    "close": request("/open/last", CLOSE),
    "close with body": request("/open/last", CLOSE, method="POST", body=b"hello"),
    "close special": request("/open/last", CLOSE, SPECIAL),
    "close chunked": request("/open/last", CLOSE, *CHUNKED, method="POST") + CHUNKS,
    "HTTP/1.0": request("/open/last").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "refused": request("/read", CLOSE),
    "refused special": request("/read", CLOSE, SPECIAL),
    "token": request("/token", *FORM, method="POST", body=b"grant_type=client_credentials"),
    "endpoint": request("/jwks", CLOSE),
    "malformed": b"GET /open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no request": b"GARBAGE\r\n\r\n",
    "not HTTP": b"GET /open HTTP/9.9\r\nHost: a\r\n\r\n",
    "malformed chunk": request("/open/last", *CHUNKED, method="POST") + b"nonsense\r\n",
}
"""Requests whose response ends the connection."""


@pytest.mark.parametrize("segments", [1, 2, 3])
@pytest.mark.parametrize("last", LAST.values(), ids=LAST)
async def test_nothing_behind_a_last_response_is_executed(
    gateway: Running, upstream: RawUpstream, last: bytes, segments: int
) -> None:
    for _ in range(4):
        async with await gateway.connect() as client:
            if segments == 1:
                await client.send(last + AFTER * 2)
            else:
                await client.send(last)
                if segments == 3:
                    assert (await client.receive()).status
                await _send_what_goes(client, AFTER)
                await _send_what_goes(client, AFTER)
            received = await _rest(client)
            responses = re.findall(rb"HTTP/1\.1 [1-5][0-9][0-9] ", received)
            assert len(responses) <= (0 if segments == 3 else 1), received
    assert [seen.target for seen in upstream.requests if seen.target != "/open/last"] == []


async def test_the_rest_of_a_refused_body_hides_no_request(gateway: Running, upstream: RawUpstream) -> None:
    """The response is out before the body: what follows the body arrives behind the end."""
    for size in (1_100_000, 2_000_000):
        async with await gateway.connect() as client:
            await client.send(request("/open/last", f"Content-Length: {size}", method="POST"))
            refused = await client.receive()
            assert (refused.status, refused.header("Connection")) == (413, "close")
            await _send_what_goes(client, b"x" * size + AFTER)
            assert b"HTTP/1.1" not in await _rest(client)
    assert upstream.requests == []


async def test_a_body_that_was_not_waited_for_is_no_request(gateway: Running, upstream: RawUpstream) -> None:
    """RFC 9110 section 10.1.1: a client that waits for 100 (Continue) may send the body all the same."""
    expecting = request("/read", "Expect: 100-continue", "Content-Length: 5", method="POST")
    async with await gateway.connect() as client:
        refused = await client.ask(expecting)
        assert (refused.status, refused.header("Connection")) == (401, "close")
        await _send_what_goes(client, AFTER)
        assert await _rest(client) == b""
    assert upstream.requests == []


@pytest.mark.parametrize("special", [(), (SPECIAL,)], ids=["simple", "special"])
async def test_nothing_is_executed_while_the_last_response_is_being_written(
    gateway: Running, upstream: RawUpstream, special: tuple[str, ...]
) -> None:
    go, loop = asyncio.Event(), asyncio.get_running_loop()

    async def slow(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go.wait(), loop))
        writer.write(b"after")
        return True

    upstream.reset(slow)
    async with await gateway.connect() as client:
        await client.send(request("/open/last", CLOSE, *special))
        await client.reader.readuntil(b"hello")
        await client.send(AFTER)
        await client.send(AFTER)
        await asyncio.sleep(0.05)
        go.set()
        assert await _rest(client) == b"after"
    assert [seen.target for seen in upstream.requests] == ["/open/last"]


async def test_a_response_that_keeps_the_connection_does_not_end_it(
    gateway: Running, upstream: RawUpstream
) -> None:
    upstream.reset(None)
    async with await gateway.connect() as client:
        await client.send(request("/open/last") + AFTER + request("/open/last", SPECIAL) + AFTER)
        assert [(await client.receive()).status for _ in range(4)] == [200] * 4
    assert [seen.target for seen in upstream.requests] == ["/open/last", "/open/after"] * 2


async def _send_what_goes(client: RawClient, data: bytes) -> None:
    with suppress(ConnectionError):
        await client.send(data)


async def _rest(client: RawClient) -> bytes:
    """What comes until the end, by FIN or RST."""
    received = b""
    with suppress(ConnectionError):
        while data := await asyncio.wait_for(client.reader.read(65536), 8):
            received += data
    return received
