"""A server answers before it has read the body, closes, and so resets: its response is read all the same."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.errors import ClosedBeforeResponse, UpstreamBroken
from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import pool_of, timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.wire import Keeper

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge"
LONG = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 20000\r\n\r\n" + bytes(20_000)


async def refused(says: bytes) -> Recorder:
    """What the handler hears of a server that says this and closes while the body is on its way to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: UpstreamConnection(loop, Keeper(), pool_of()), *listener.getsockname()
        )
        server, _ = listener.accept()
    server.settimeout(20)
    with server:
        handler = Recorder()
        connection.send(
            handler, UpstreamRequest(HEAD, "POST", timeouts_of(), body_follows=True, chunked=True)
        )
        connection.write(b"x" * 1000)
        # In a thread, since an event loop may write only when it turns. One byte less than what comes.
        await asyncio.to_thread(server.recv, len(HEAD) + 1, socket.MSG_WAITALL)
        server.sendall(says)
    # Closed with bytes that it has not read. The loop has not turned since: it writes before it reads.
    for _ in range(3):
        connection.write(b"x" * 1000)
    await handler.done()
    return handler


@pytest.mark.parametrize("response", [REFUSAL, LONG], ids=["short", "long"])
async def test_the_response_of_a_server_that_reads_no_more_is_not_lost(response: bytes) -> None:
    handler = await refused(response)
    assert handler.error is None
    assert handler.head is not None
    assert handler.head.status == 413
    assert handler.body == response.partition(b"\r\n\r\n")[2]
    assert handler.ended


async def test_half_a_response_is_an_error_all_the_same() -> None:
    handler = await refused(REFUSAL[:-1])
    assert handler.head is not None
    assert handler.body == b"larg"
    assert isinstance(handler.error, UpstreamBroken)
    assert not handler.ended


async def test_without_a_byte_of_a_response_the_connection_was_closed_before_it() -> None:
    handler = await refused(b"")
    assert isinstance(handler.error, ClosedBeforeResponse)
