"""When a request is sent again, and when it must not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.request import UpstreamRequest
from tests.upstream.defaults import timeouts_of
from tests.upstream.recorder import Recorder
from tests.upstream.scripted import (
    MakeUpstream,
    Peer,
    Script,
    Serve,
    answer,
    get,
    loop_turn,
    trust_connections,
)


def dies_on_second_request(after: bytes = b"") -> tuple[list[bytes], Script]:
    """A server whose first connection takes a second request and dies, as a kept-alive one may."""
    heads: list[bytes] = []

    async def script(peer: Peer) -> None:
        heads.append(await peer.head())
        await peer.say(answer(b"%d" % peer.number))
        heads.append(await peer.head())
        if peer.number == 0:
            if after:
                await peer.say(after)
            peer.reset()
            return
        await peer.say(answer(b"again"))
        await peer.rest()

    return heads, script


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_a_stale_connection_is_replaced(serve: Serve, make_upstream: MakeUpstream, method: str) -> None:
    heads, script = dies_on_second_request()
    server = await serve(script)
    upstream = await make_upstream(server.url)
    await upstream.fetch(get(), "GET")
    response = await upstream.fetch(get("/x", method), method)
    assert response.head.status == 200
    assert server.connections == 2
    assert heads == [get(), get("/x", method), get("/x", method)]
    assert upstream.active == 0


async def test_a_request_that_must_not_be_repeated_is_not(serve: Serve, make_upstream: MakeUpstream) -> None:
    heads, script = dies_on_second_request()
    server = await serve(script)
    upstream = await make_upstream(server.url)
    trust_connections(upstream)
    await upstream.fetch(get(), "GET")
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get("/x", "POST"), "POST")
    assert len(heads) == 2
    assert upstream.active == 0


async def test_once_an_answer_has_begun_nothing_is_repeated(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    heads, script = dies_on_second_request(b"HTTP/1.1 100 Continue\r\n\r\n")
    upstream = await make_upstream((await serve(script)).url)
    await upstream.fetch(get(), "GET")
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")
    assert len(heads) == 2


async def test_a_fresh_connection_that_dies_is_not_replaced(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    server = await serve(script)
    upstream = await make_upstream(server.url)
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(get(), "GET")
    assert server.connections == 1


async def test_a_streamed_body_that_has_begun_is_not_sent_again(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.say(answer())
        await peer.until(b"begun")
        peer.reset()

    async def body() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    server = await serve(script)
    upstream = await make_upstream(server.url)
    trust_connections(upstream)
    await upstream.fetch(get(), "GET")
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n"
    with pytest.raises(UpstreamBroken):
        await upstream.fetch(head, "PUT", body())
    assert server.connections == 1


async def test_the_end_of_an_empty_body_is_not_sent_again_either(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        nothing_at_all: list[bytes] = []
        for piece in nothing_at_all:
            yield piece

    heads, script = dies_on_second_request()
    upstream = await make_upstream((await serve(script)).url)
    trust_connections(upstream)
    await upstream.fetch(get(), "GET")
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with asyncio.timeout(10):
        with pytest.raises(UpstreamBroken):
            await upstream.fetch(head, "PUT", nothing(), chunked=True)
    assert heads == [get(), head]


async def test_a_streamed_body_that_has_not_begun_waits_for_the_next_connection(
    serve: Serve, make_upstream: MakeUpstream
) -> None:
    heads, script = dies_on_second_request()
    server = await serve(script)
    upstream = await make_upstream(server.url)
    trust_connections(upstream)
    await upstream.fetch(get(), "GET")
    await loop_turn()
    handler = Recorder()
    call = upstream.begin(handler, UpstreamRequest(get("/x", "PUT"), "PUT", timeouts_of(), body_follows=True))
    assert handler.names == ["resume"]
    handler.react = lambda event: call.write_end() if event == "resume" else None
    await handler.done()
    assert handler.names == ["resume", "pause", "resume", "whole"]
    assert heads[1:] == [get("/x", "PUT")] * 2


async def test_the_handle_is_harmless_when_all_is_over(serve: Serve, make_upstream: MakeUpstream) -> None:
    _, script = dies_on_second_request()
    upstream = await make_upstream((await serve(script)).url)
    handler = Recorder()
    call = upstream.begin(handler, UpstreamRequest(get(), "GET", timeouts_of()))
    await handler.done()
    assert call.done
    call.write(b"x")
    call.write_end()
    call.pause_reading()
    call.resume_reading()
    call.abort()
    assert handler.names == ["whole"]
    assert upstream.active == 0
